import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Broker } from '../../src/embedded/broker.ts';
import type { BrokerOptions } from '../../src/embedded/broker-options.ts';
import { createBroker } from '../../src/embedded/create-broker.ts';
import { BrokerSite } from '../support/broker-process.ts';

const LIMIT = { timeout: 120_000 };
const WORKERS = new URL('../../src/workers/', import.meta.url);

class Site {
  readonly dataPath = mkdtempSync(join(tmpdir(), 'ringmq-embedded-'));
  readonly #brokers: Broker[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      for (const broker of this.#brokers) await broker.close({ deadlineMs: 0 });
      rmSync(this.dataPath, { recursive: true });
    });
  }

  async open(options: BrokerOptions = {}): Promise<Broker> {
    const broker = await createBroker({ dataPath: this.dataPath, pumpThreads: 1, ...options });
    this.#brokers.push(broker);
    return broker;
  }
}

/** Worker files, of which the pump's crashes as soon as the trigger is there. */
function crashingWorkers(directory: string, trigger: string): string {
  const pump = `
    import { existsSync } from 'node:fs';
    const wait = Atomics.wait;
    Atomics.wait = (...words) => {
      if (existsSync(${JSON.stringify(trigger)})) throw new Error('provoked');
      return wait(...words);
    };
    const { default: run } = await import(${JSON.stringify(new URL('pump-thread.ts', WORKERS).href)});
    export default run;`;
  const disk = `export { default } from ${JSON.stringify(new URL('disk-thread.ts', WORKERS).href)};`;
  writeFileSync(join(directory, 'pump-thread.ts'), pump);
  writeFileSync(join(directory, 'disk-thread.ts'), disk);
  return directory;
}

test('an embedded broker keeps over a close what is not finished', LIMIT, async (t) => {
  const site = new Site(t);
  const first = await site.open();
  await first.topics.create('t', 'c');
  await first.publishMany('t', ['held', 'finished', 'waiting']);
  const messages = first.messages('t', 'c');
  const { value: held } = await messages.next();
  const { value: finished } = await messages.next();
  await finished?.finish();
  await first.close({ deadlineMs: 0 });

  const second = await site.open();
  const texts: string[] = [];
  for await (const message of second.messages('t', 'c')) {
    texts.push(message.text());
    await message.finish();
    if (texts.length === 2) break;
  }
  await second.close();

  assert.deepEqual([held?.text(), finished?.text()], ['held', 'finished']);
  assert.deepEqual(texts.sort(), ['held', 'waiting']);
});

for (const where of ['in memory', 'on disk'] as const) {
  test(
    `acknowledge=fsync: an embedded broker ${where} keeps what is published`,
    LIMIT,
    async (t) => {
      const site = new Site(t);
      const place = { memory: true, dataPath: undefined, pumpThreads: undefined };
      const broker = await site.open({
        ...{ httpAddress: '127.0.0.1:0', httpsAddress: '' },
        ...(where === 'in memory' && place),
      });
      const policy = { pattern: '*', definition: { acknowledge: 'fsync' } };
      const url = `http://127.0.0.1:${broker.httpPort}/policy/durable`;
      const set = await fetch(url, { method: 'PUT', body: JSON.stringify(policy) });
      assert.equal(set.status, 200);

      await broker.publish('t', 'alone');
      await broker.publishMany('t', ['first', 'second']);
      await broker.publish('t', 'deferred', { delayMs: 60_000 });

      const messages = broker.messages('t', 'c');
      const texts: string[] = [];
      while (texts.length < 3) texts.push((await messages.next()).value?.text() ?? '');
      assert.deepEqual(texts.sort(), ['alone', 'first', 'second']);
      if (where === 'in memory') return;
      const journal = readFileSync(join(site.dataPath, '.ringmq', 'journal.0.a'), 'latin1');
      for (const text of [...texts, 'deferred']) assert.ok(journal.includes(text), text);
    },
  );
}

test('one broker has a data directory, in one process and in two', LIMIT, async (t) => {
  const site = new Site(t);
  const broker = await site.open();
  const inUse = { name: 'NsqError', code: 'DATA_PATH_IN_USE', option: 'dataPath' };

  await assert.rejects(site.open(), inUse);
  await broker.close();
  const programs = new BrokerSite(t);
  const program = await programs.start();
  await assert.rejects(createBroker({ dataPath: programs.dataPath }), inUse);
  await program.stop();
  const next = await createBroker({ dataPath: programs.dataPath });
  await next.close();

  assert.deepEqual(next.topics.names(), []);
});

test('a directory that is not there is the reason why there is no broker', LIMIT, async () => {
  const dataPath = join(tmpdir(), 'ringmq-there-is-no-such-directory');

  await assert.rejects(createBroker({ dataPath }), {
    code: 'START_FAILED',
    message: /does not exist/,
  });
});

test('a worker that crashes rejects `failed`, and everything that waits', LIMIT, async (t) => {
  const site = new Site(t);
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-workers-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const trigger = join(directory, 'crash-now');
  const errors: string[] = [];
  const broker = await site.open({
    workersPath: crashingWorkers(directory, trigger),
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (text) => void errors.push(text),
    },
  });
  const next = broker.messages('t', 'c').next();
  await broker.publish('t', 'x');
  const { value: message } = await next;
  const waiting = broker.messages('t', 'c').next();

  writeFileSync(trigger, '');
  await assert.rejects(broker.failed, { name: 'NsqError', code: 'BROKER_FAILED' });
  const end = await waiting;

  assert.deepEqual([message?.text(), end.done], ['x', true]);
  assert.equal(errors[0], 'a worker thread has crashed - provoked');
  await assert.rejects(broker.publish('t', 'y'), { code: 'BROKER_FAILED' });
  await broker.close();
  // Nothing of it stands in the way of the next one.
  await site.open();
});
