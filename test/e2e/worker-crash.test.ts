import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nameHash } from '../../src/shared/name-hash.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, topicStats } from '../support/broker-stats.ts';

const LIMIT = { timeout: 120_000 };

/**
 * Runs before everything else in each thread: parking, in the loops of the kind of thread that is named, throws as
 * soon as the file is there. A parked loop looks again within a second, or when it is rung for.
 */
function crashingPreload(kind: string, file: string, threadNumber = 0): string {
  const code = `
    import { existsSync } from 'node:fs';
    import { threadId } from 'node:worker_threads';
    const wait = Atomics.wait;
    Atomics.wait = (...words) => {
      const isMeant = [0, threadId].includes(${threadNumber});
      if (isMeant && existsSync(${JSON.stringify(file)}) && new Error().stack.includes(${JSON.stringify(kind)})) {
        throw new Error('provoked');
      }
      return wait(...words);
    };
  `;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

for (const kind of ['pump-thread', 'disk-thread']) {
  test(`a ${kind} that crashes ends the broker, loudly`, LIMIT, async (t) => {
    const site = new BrokerSite(t);
    const trigger = join(site.dataPath, 'crash-now');
    const broker = await site.start({ nodeFlags: ['--import', crashingPreload(kind, trigger)] });
    assert.equal((await ask(broker, '/ping')).text, 'OK');

    writeFileSync(trigger, '');
    const ending = await broker.ended;

    assert.deepEqual(ending, { code: 1, signal: null });
    assert.match(broker.log, /FATAL: a worker thread has crashed - provoked\n/);
    assert.match(
      broker.log,
      /ERROR: not all messages in memory are saved to disk - a thread has crashed\n$/,
    );
    // Nothing of it stands in the way of the next one.
    const next = await site.start();
    assert.deepEqual(await next.stop(), { code: 0, signal: null });
  });
}

test('what other threads hold is on disk after the crash of one', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const trigger = join(site.dataPath, 'crash-now');
  // The pump threads are the first to be made.
  const preload = crashingPreload('pump-thread', trigger, 1);
  const flags = ['--pump-threads=2'];
  const broker = await site.start({ flags, nodeFlags: ['--import', preload] });
  const topics = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  for (const topic of topics) await ask(broker, `/pub?topic=${topic}`, 'a message');

  writeFileSync(trigger, '');
  const ending = await broker.ended;

  assert.deepEqual(ending, { code: 1, signal: null });
  const next = await site.start({ flags });
  const depths: number[] = [];
  for (const topic of topics) depths.push((await topicStats(next, topic))?.depth ?? -1);
  assert.deepEqual(
    depths,
    topics.map((topic) => nameHash(topic) % 2),
  );
  assert.deepEqual(await next.stop(), { code: 0, signal: null });
});
