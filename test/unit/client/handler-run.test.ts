import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consumerSettings } from '../../../src/client/consumer-options.ts';
import { processTracing } from '../../../src/client/diagnostics.ts';
import { type Handler, HandlerRun } from '../../../src/client/handler-run.ts';
import { Message } from '../../../src/client/message.ts';

const SETTINGS = consumerSettings({ topic: 'orders', channel: 'c', nsqd: ['a:4150'] });

/** A consumer whose messages wait until a run takes them. */
class Source {
  readonly waiting: Message[] = [];
  /** What became of the messages, in order. */
  readonly log: string[] = [];
  /** Resolves when a failure is handled. */
  failureHandled: Promise<void> = Promise.resolve();

  put(...names: readonly string[]): void {
    for (const name of names) this.waiting.push(this.#message(name));
  }

  run(concurrency: number, handler: Handler): HandlerRun<unknown> {
    return new HandlerRun(handler, concurrency, SETTINGS, {
      take: () => this.waiting.shift(),
      onFailure: (error, message) => {
        this.log.push(`failed ${message.text()}: ${String(error)}`);
        return this.failureHandled;
      },
    });
  }

  #message(name: string): Message {
    const bytes = Buffer.concat([Buffer.alloc(26), Buffer.from(name)]);
    const owner = {
      finish: (message: Message) => this.log.push(`finished ${message.text()}`),
      requeue: () => undefined,
      touch: () => undefined,
    };
    const origin = { owner, codec: SETTINGS.codec, topic: 'orders', address: 'a:4150' };
    return new Message(bytes, 0, bytes.length, origin, 0);
  }
}

/** Lets promises that are settled call back. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

test('HandlerRun: handles as many messages at a time as it may', async () => {
  const source = new Source();
  source.put('a', 'b', 'c');
  const handled: string[] = [];
  const done: (() => void)[] = [];
  const run = source.run(2, (message) => {
    handled.push(message.text());
    return new Promise<void>((resolve) => done.push(resolve));
  });
  run.dispatch();
  run.dispatch();
  assert.deepStrictEqual([handled, source.log], [['a', 'b'], []]);

  done[1]();
  await settle();
  assert.deepStrictEqual([handled, source.log], [['a', 'b', 'c'], ['finished b']]);
});

test('HandlerRun: a handler without a promise is done when it returns', () => {
  const source = new Source();
  source.put('a', 'b', 'c');
  source.run(1, () => undefined).dispatch();

  assert.deepStrictEqual(source.log, ['finished a', 'finished b', 'finished c']);
});

test('HandlerRun: many such messages do not nest', () => {
  const source = new Source();
  for (let index = 0; index < 20_000; index++) source.put('x');
  source.run(1, () => undefined).dispatch();

  assert.equal(source.log.length, 20_000);
});

test('HandlerRun: a handler fails by throwing or by rejecting', async () => {
  const source = new Source();
  source.put('throws', 'rejects', 'works');
  const run = source.run(3, (message) => {
    if (message.text() === 'throws') throw new Error('no');
    return message.text() === 'rejects' ? Promise.reject(new Error('never')) : Promise.resolve();
  });
  run.dispatch();
  await settle();

  assert.deepStrictEqual(source.log.toSorted(), [
    'failed rejects: Error: never',
    'failed throws: Error: no',
    'finished works',
  ]);
});

test('HandlerRun: a failed message keeps its place until the failure is handled', async () => {
  const source = new Source();
  source.put('a', 'b');
  const { promise, resolve } = Promise.withResolvers<void>();
  source.failureHandled = promise;
  const run = source.run(1, (message) => {
    if (message.text() === 'a') throw new Error('no');
  });
  run.dispatch();
  await settle();
  assert.deepStrictEqual(source.log, ['failed a: Error: no']);

  resolve();
  await settle();
  assert.deepStrictEqual(source.log, ['failed a: Error: no', 'finished b']);
});

test('HandlerRun: a thenable that calls back twice is done once', async () => {
  const source = new Source();
  source.put('a');
  // biome-ignore lint/suspicious/noThenProperty: what a handler of another promise library returns
  const twice = { then: (done: () => void) => [done(), done()] };
  source.run(1, () => twice).dispatch();
  await settle();

  assert.deepStrictEqual(source.log, ['finished a']);
});

test('HandlerRun: ends when the consumer does', async () => {
  const run = new Source().run(1, () => undefined);
  let hasEnded = false;
  void run.ended.then(() => {
    hasEnded = true;
  });
  await settle();
  assert.equal(hasEnded, false);

  run.end();
  await settle();
  assert.equal(hasEnded, true);
});

test('HandlerRun: each call of the handler is traced for those who listen', async (t) => {
  const events: string[] = [];
  const listeners = {
    start: ({ topic, message }: { topic: string; message: Message }) =>
      void events.push(`start ${topic} ${message.text()}`),
    asyncEnd: () => void events.push('end'),
    error: ({ error }: { error?: unknown }) => void events.push(`error ${String(error)}`),
  } as unknown as Parameters<typeof processTracing.subscribe>[0];
  processTracing.subscribe(listeners);
  t.after(() => processTracing.unsubscribe(listeners));
  const source = new Source();
  source.put('a', 'b');
  source
    .run(1, (message) => {
      if (message.text() === 'b') throw new Error('no');
    })
    .dispatch();
  await settle();

  assert.deepStrictEqual(events, [
    'start orders a',
    'end',
    'start orders b',
    'error Error: no',
    'end',
  ]);
  assert.deepStrictEqual(source.log, ['finished a', 'failed b: Error: no']);
});
