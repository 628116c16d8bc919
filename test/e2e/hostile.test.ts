import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttackRun } from '../../scripts/checkers/hostile/attack-run.ts';
import { SCENARIOS } from '../../scripts/checkers/hostile/scenarios.ts';
import { BrokerSite } from '../support/broker-process.ts';

const LIMIT = { timeout: 120_000 };
/** The machine that runs tests may have a lot to do. */
const LATENCY_MS_MAX = 5000;
/** Those that are quick; `scripts/hostile.ts` plays all, and for longer. */
const PLAYED = ['cut at every byte', 'sizes up to 4 GiB', 'MPUBs that lie', 'HTTP: wrong lengths'];

/** What `scripts/hostile.ts` does at length. */
test('hostile: the broker stands what clients do to it', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start({ flags: ['--mem-queue-size=100'] });
  const { tcpPort, httpPort, pid } = broker;
  const target = {
    host: '127.0.0.1',
    tcpPort,
    httpPort,
    connectionsMax: undefined,
    memory: undefined,
  };
  const run = new AttackRun({ target, pid, seconds: 0.5, latencyMsMax: LATENCY_MS_MAX });
  t.after(() => run.close());

  const found: string[] = [];
  for (const scenario of SCENARIOS) {
    if (!PLAYED.includes(scenario.name)) continue;
    const { faults, connections, pairs } = await run.play(scenario);
    const p99 = pairs.map(({ kind, duringMs }) => `${kind} p99 ${duringMs.toFixed()} ms`);
    t.diagnostic(`${scenario.name}: ${connections} connections, ${p99.join(', ')}`);
    found.push(...faults.map((fault) => `${scenario.name}: ${fault}`));
  }

  assert.deepEqual(found, []);
  assert.deepEqual(await broker.stop(), { code: 0, signal: null });
});
