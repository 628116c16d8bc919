// Restarts the brokers of a fleet one after the other under load, each on its own host, and checks whether a message is
// lost or a client fails. Exits with 1 if so.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SystemClock } from '../src/shared/clock.ts';
import type { Durations } from './bench/percentiles.ts';
import { isInside, Network, runInside } from './checkers/fleet/network.ts';
import { readArguments, refuse, wholeNumber } from './kit/arguments.ts';

const USAGE = `usage: node scripts/rolling-restart.ts [options]

Starts brokers and ringmq lookupd in separate network namespaces, publishes
and consumes with ringmq/client, and restarts one broker after the other. Fails if an accepted
message is missing, or if a client reports an error that it does not handle itself. Needs Linux and root.

  --brokers N      number of brokers (default 3)
  --restarts N     number of restarts (default 15)
  --how WORD       drain: SIGTERM with --sigterm=drain; stop: SIGTERM; kill: SIGKILL (default drain)
  --rate N         messages a second (default 1000)
  --steady-ms N    time without a restart, before the first (default 10000)
  --pause-ms N     time after each restart (default 1000)

Example:
  node scripts/rolling-restart.ts --restarts 60 --how kill

Exit code: 0 all is well, 1 a fault, 2 bad arguments.`;

/** How a broker is ended: the signal, its flags, and the expected exit code. */
const WAYS: Readonly<
  Record<string, { signal: NodeJS.Signals; flags: readonly string[]; code: number | null }>
> = {
  drain: { signal: 'SIGTERM', flags: ['--sigterm=drain', '--drain-timeout=30s'], code: 0 },
  stop: { signal: 'SIGTERM', flags: [], code: 0 },
  kill: { signal: 'SIGKILL', flags: ['--mem-queue-size=0'], code: null },
};

const values = readArguments(USAGE, {
  brokers: { type: 'string', default: '3' },
  restarts: { type: 'string', default: '15' },
  how: { type: 'string', default: 'drain' },
  rate: { type: 'string', default: '1000' },
  'steady-ms': { type: 'string', default: '10000' },
  'pause-ms': { type: 'string', default: '1000' },
});
const count = wholeNumber('brokers', values.brokers, 2, USAGE);
const restartCount = wholeNumber('restarts', values.restarts, 1, USAGE);
const rate = wholeNumber('rate', values.rate, 1, USAGE);
const steadyMs = wholeNumber('steady-ms', values['steady-ms'], 1, USAGE);
const pauseMs = wholeNumber('pause-ms', values['pause-ms'], 0, USAGE);
const way = WAYS[values.how];
if (way === undefined) refuse(`--how takes drain, stop or kill, got "${values.how}"`, USAGE);

process.exitCode = isInside() ? await check() : runInside();

async function check(): Promise<number> {
  // Not needed by the process outside of the network.
  const { Fleet, LOOKUPD_HTTP_PORT } = await import('./checkers/fleet/fleet.ts');
  const { FleetLoad, Phase } = await import('./checkers/fleet/fleet-load.ts');
  const clock = new SystemClock();
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-fleet-'));
  const network = new Network();
  const { signal, flags, code } = way;
  const fleet = await Fleet.start(network, { count, directory, flags });
  const lookupd = `${fleet.lookupd.host.address}:${LOOKUPD_HTTP_PORT}`;
  const load = new FleetLoad(fleet.addresses, lookupd, rate, clock);
  await load.untilConnected(count);
  const steady = new Phase();
  load.phase = steady;
  await pause(steadyMs);

  const restarts = new Phase();
  load.phase = restarts;
  const startMs = clock.monotonicMs();
  for (let restart = 0; restart < restartCount; restart++) {
    const number = restart % count;
    const broker = fleet.brokers[number];
    const ending = await broker.end(signal);
    if (ending.code !== code) load.faults.push(`broker ${number} ended with ${ending.code}`);
    await broker.start();
    await load.untilConnected(count);
    await pause(pauseMs);
  }
  const restartMs = (clock.monotonicMs() - startMs) / restartCount - pauseMs;
  const missing = await load.finish();
  await fleet.kill();
  network.close();
  rmSync(directory, { recursive: true });

  console.log(`${restartCount} restarts (${values.how}), ${restartMs.toFixed()} ms each`);
  console.log(
    `${load.acceptedCount} messages accepted, ${load.handledCount} handled, ` +
      `${load.duplicateCount} of them again, ${missing} missing`,
  );
  for (const [name, phase] of [
    ['steady', steady],
    ['restarts', restarts],
  ] as const) {
    console.log(
      `${name}: publish ${figures(phase.publishes)}; delivery ${figures(phase.deliveries)}`,
    );
  }
  const handled = [...load.handledErrors].map(([name, times]) => `${name} ${times}`);
  console.log(`errors that clients handled: ${handled.join(', ') || 'none'}`);
  for (const fault of load.faults) console.log(`fault: ${fault}`);
  return missing === 0 && load.faults.length === 0 && load.acceptedCount > 0 ? 0 : 1;
}

function figures(durations: Durations): string {
  const all = durations.percentiles();
  if (all === null) return 'none';
  const { p50, p99, max } = all;
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${max.toFixed()} ms`;
}
