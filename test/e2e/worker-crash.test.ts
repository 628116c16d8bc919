import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';

const LIMIT = { timeout: 30_000 };

/**
 * Runs before everything else in each thread: parking, in the loops of the kind of thread that is named, throws as
 * soon as the file is there. A parked loop looks again within a second, or when it is rung for.
 */
function crashingPreload(kind: string, file: string): string {
  const code = `
    import { existsSync } from 'node:fs';
    const wait = Atomics.wait;
    Atomics.wait = (...words) => {
      if (existsSync(${JSON.stringify(file)}) && new Error().stack.includes(${JSON.stringify(kind)})) {
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
    assert.match(broker.log, /FATAL: a worker thread has crashed - provoked\n$/);
    // Nothing of it stands in the way of the next one.
    const next = await site.start();
    assert.deepEqual(await next.stop(), { code: 0, signal: null });
  });
}
