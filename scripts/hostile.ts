// Attacks a broker in every way that a client can, while two control pairs of clients continue, an ordinary and an
// ephemeral one, and prints the cost of each attack. Exits with 1 if a limit did not hold.

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { InvalidValue } from '../src/daemon/options/invalid-value.ts';
import { machineMemoryBytes, memoryBudget } from '../src/main/limits/memory-budget.ts';
import { completeOptions, OPTION_ROWS } from '../src/main/options/options.ts';
import { SystemClock } from '../src/shared/clock.ts';
import type { Target, TargetMemory } from './checkers/hostile/attack.ts';
import { AttackRun, type PairReport, type Report } from './checkers/hostile/attack-run.ts';
import { Observers, type Seen } from './checkers/hostile/observers.ts';
import { SCENARIOS } from './checkers/hostile/scenarios.ts';
import { readArguments, refuse, wholeNumber } from './kit/arguments.ts';
import { type BrokerProcess, startBroker } from './kit/broker.ts';
import { ProgressLine } from './kit/progress-line.ts';

const MIB = 1024 * 1024;
const USAGE = `usage: node scripts/hostile.ts [options]

Attacks a broker in every way that a client can, while two control pairs of clients publish and
consume, one on an ordinary and one on an ephemeral topic. Checks the latency of both, and the
broker's memory and descriptors.

  --only REGEX           run only scenarios whose names match
  --seconds N            duration of each scenario (default 5)
  --p99 MS               highest p99 allowed for a control pair (default 50); ten times the p99
                         before the attack is always allowed. Raise it on a busy machine
  --connections N        --max-connections of the broker that is started (default 1500)
  --memory MIB           --max-memory of the broker that is started (default 512)
  --watched              scrape /metrics once a second and keep the page open meanwhile
  --server COMMAND       attack another broker; the command gets nsqd's flags
  --against HOST:PORT    attack a running broker, without checks of memory and descriptors
  --http HOST:PORT       HTTP address of that broker; without it there are no attacks over HTTP

Examples:
  node scripts/hostile.ts
  node scripts/hostile.ts --only flood --seconds 30
  node scripts/hostile.ts --against 10.0.0.5:4150 --http 10.0.0.5:4151

Exit code: 0 every check held, 1 one did not, 2 bad arguments.`;

const values = readArguments(USAGE, {
  only: { type: 'string', default: '' },
  seconds: { type: 'string', default: '5' },
  p99: { type: 'string', default: '50' },
  connections: { type: 'string', default: '1500' },
  memory: { type: 'string', default: '512' },
  watched: { type: 'boolean', default: false },
  server: { type: 'string' },
  against: { type: 'string' },
  http: { type: 'string' },
});
const only = new RegExp(values.only, 'i');
const seconds = wholeNumber('seconds', values.seconds, 1, USAGE);
const latencyMsMax = wholeNumber('p99', values.p99, 1, USAGE);
const connectionsMax = wholeNumber('connections', values.connections, 1, USAGE);
const memoryMib = wholeNumber('memory', values.memory, 1, USAGE);

const dataPath = mkdtempSync(path.join(tmpdir(), 'ringmq-hostile-'));
const progress = new ProgressLine(process.stderr, new SystemClock());
const { target, broker } = await findTarget();
const reports: Report[] = [];
try {
  await runAttacks();
} finally {
  await broker?.kill();
  rmSync(dataPath, { recursive: true });
}
printTable();
process.exit(reports.every(({ faults }) => faults.length === 0) ? 0 : 1);

async function findTarget(): Promise<{ target: Target; broker: BrokerProcess | undefined }> {
  if (values.against !== undefined) {
    const { host, port } = addressOf('against', values.against);
    const httpPort = values.http === undefined ? undefined : addressOf('http', values.http).port;
    return {
      target: { host, tcpPort: port, httpPort, connectionsMax: undefined, memory: undefined },
      broker: undefined,
    };
  }
  // recognized by their flags, so that this works with and without them
  const isOwn = values.server === undefined;
  const hasLimit = isOwn && OPTION_ROWS.has('maxConnections');
  const hasMemory = isOwn && OPTION_ROWS.has('maxMemory');
  const started = await startBroker({
    server: values.server,
    dataPath,
    flags: [
      '--mem-queue-size=100',
      ...(hasLimit ? [`--max-connections=${connectionsMax}`] : []),
      ...(hasMemory ? [`--max-memory=${memoryMib}MiB`] : []),
    ],
  });
  const { tcpPort, httpPort } = started;
  return {
    target: {
      host: '127.0.0.1',
      tcpPort,
      httpPort,
      connectionsMax: hasLimit ? connectionsMax : undefined,
      memory: hasMemory ? memoryOf(memoryMib) : undefined,
    },
    broker: started,
  };
}

/** The memory that such a broker divides. */
function memoryOf(totalMib: number): TargetMemory {
  const given = new Map([['maxMemory', { kind: 'bytes', bytes: totalMib * MIB }]]);
  const machine = { hostname: hostname(), parallelism: availableParallelism() };
  const options = completeOptions(given, machine);
  if (options instanceof InvalidValue) throw new Error(`--memory=${totalMib}: ${options.why}`);
  const { bodyBytes, leastBytes } = memoryBudget(options, machineMemoryBytes());
  // a buffer is up to twice as large as its contents
  return { totalMib: Math.max(totalMib, leastBytes / MIB), bodiesMib: (2 * bodyBytes) / MIB };
}

async function runAttacks(): Promise<void> {
  const observers = watched();
  const run = new AttackRun({ target, pid: broker?.pid, seconds, latencyMsMax, observers });
  const playable = SCENARIOS.filter(
    ({ needsHttp }) => needsHttp !== true || target.httpPort !== undefined,
  );
  progress.update('warming up …');
  observers?.start();
  await run.warmUp(playable.filter(({ warmsUp }) => warmsUp === true));
  for (const scenario of playable) {
    if (!only.test(scenario.name)) continue;
    progress.update(`${scenario.name} …`);
    try {
      reports.push(await run.play(scenario));
    } catch (error) {
      const end = broker?.hasEnded === true ? `\n${broker.log}` : '';
      throw new Error(`"${scenario.name}" failed${end}`, { cause: error });
    }
  }
  await run.close();
  observers?.stop();
  if (observers !== undefined) printSeen(observers.seen);
}

function watched(): Observers | undefined {
  if (!values.watched) return undefined;
  const { httpPort } = target;
  return httpPort === undefined
    ? refuse('--watched needs the HTTP address of the broker', USAGE)
    : new Observers(target, httpPort);
}

function printSeen({ scrapes, missed, longestMs, frames, cuts }: Seen): void {
  progress.print(
    `watched: ${scrapes} scrapes, the longest took ${longestMs.toFixed()} ms, ${missed} were missed; ` +
      `the page got ${frames} frames and was cut off ${cuts} times`,
  );
}

function printTable(): void {
  const mib = (value: number | undefined): string => value?.toFixed() ?? '-';
  progress.print(
    'scenario                      connections  MiB before    peak  p99 before    during  messages',
  );
  for (const report of reports) {
    console.log(
      [
        report.name.padEnd(28),
        String(report.connections).padStart(12),
        mib(report.startMib).padStart(11),
        mib(report.peakMib).padStart(7),
        pairColumns(report.pairs[0]),
      ].join(' '),
    );
    for (const pair of report.pairs.slice(1)) {
      console.log(pair.kind.padStart(49), pairColumns(pair));
    }
    for (const fault of report.faults) console.log(`    ${fault}`);
  }
}

function pairColumns({ beforeMs, duringMs, messages }: PairReport): string {
  return [
    `${beforeMs.toFixed(1)} ms`.padStart(11),
    `${duringMs.toFixed(1)} ms`.padStart(9),
    String(messages).padStart(9),
  ].join(' ');
}

function addressOf(name: string, text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === '') return refuse(`--${name} takes HOST:PORT, got "${text}"`, USAGE);
  return { host, port: Number(port) };
}
