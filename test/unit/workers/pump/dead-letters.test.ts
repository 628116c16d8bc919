import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as records from '../../../../src/shared/records.ts';
import type { DeadLetter, Heard } from '../../../support/delivery-side.ts';
import { PumpBench } from '../../../support/pump-bench.ts';

type Letters = Extract<Heard, { deadLetters: number }>;

/** A full queue gives its oldest away, so that each publish beyond the second sends one. */
const GIVES_AWAY = { maxDepth: 2, whenFull: 'dead-letter', deadLetter: 'dead' } as const;

function lettersIn(heard: readonly Heard[]): Letters[] {
  return heard.filter((one): one is Letters => 'deadLetters' in one);
}

function bodies(letters: readonly DeadLetter[]): string[] {
  return letters.map(({ body }) => body);
}

function settle(bench: PumpBench, { deadLetters }: Letters, isKept: boolean): void {
  bench.command(records.DEAD_LETTERED, deadLetters, isKept ? 1 : 0);
  bench.settle();
}

function leaving(bench: PumpBench): readonly [depth: number, left: number] {
  const { depth, deadLetterCount } = bench.stats().topics[0].counters;
  return [depth, deadLetterCount];
}

test('DeadLetters: say where they come from and where they go, and count until they are safe', () => {
  const bench = new PumpBench({ policy: { ...GIVES_AWAY, deadLetterEnvelope: 'json' } });
  bench.createTopic(1);
  bench.publish(1, ['a', 'b', 'c', 'd']);
  const [sent] = lettersIn(bench.settle());
  const before = leaving(bench);
  settle(bench, sent, true);

  assert.deepEqual(sent.head, {
    topic: 't1',
    channel: '',
    target: 'dead',
    isWrapped: true,
    reason: 'full',
  });
  assert.deepEqual(bodies(sent.letters), ['a', 'b']);
  assert.deepEqual(
    [before, leaving(bench)],
    [
      [4, 0],
      [2, 2],
    ],
  );
});

test('DeadLetters: what main cannot publish is sent again after a second, before what follows', () => {
  const bench = new PumpBench({ policy: GIVES_AWAY });
  bench.createTopic(1);
  bench.publish(1, ['a', 'b', 'c']);
  const [first] = lettersIn(bench.settle());
  settle(bench, first, false);
  bench.publish(1, ['d']);
  const tooEarly = lettersIn(bench.settle());
  const nextMs = bench.loop.nextDeadlineMs;
  bench.nowMs = 1000;
  const again = lettersIn(bench.settle());

  assert.deepEqual(tooEarly, []);
  assert.equal(nextMs, 1000);
  assert.deepEqual(
    again.flatMap(({ letters }) => bodies(letters)),
    ['a', 'b'],
  );
});

test('DeadLetters: messages of one queue that leave one by one go together, up to 64 KiB', () => {
  const bench = new PumpBench({ policy: GIVES_AWAY });
  bench.createTopic(1);
  const body = 'x'.repeat(30 * 1024);
  for (const each of [body, 'a', body, 'b', body, 'c', 'd']) bench.publish(1, [each]);
  const sent = lettersIn(bench.settle());
  for (const letters of sent) settle(bench, letters, true);

  assert.deepEqual(
    sent.map(({ letters }) => bodies(letters)),
    [[body, 'a', body, 'b'], [body]],
  );
  assert.deepEqual(leaving(bench), [2, 5]);
});

test('DeadLetters: messages that leave for different reasons go apart', () => {
  const bench = new PumpBench({
    policy: { maxAttempts: 1, messageTtlMs: 1000, deadLetter: 'dead' },
  });
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1);
  bench.publish(1, ['a', 'b']);
  bench.settle();
  bench.setMs = 1_700_000_000_000;
  bench.nowMs = 2000;
  bench.requeue(7, bench.got(7)[0].id, 0);
  const sent = lettersIn(bench.settle());

  assert.deepEqual(
    sent.map(({ head, letters }) => [head.reason, bodies(letters)]),
    [
      ['attempts', ['a']],
      ['expired', ['b']],
    ],
  );
});

test('DeadLetters: 1 MiB is on its way to a topic, the rest follows the answers', () => {
  const bench = new PumpBench({ policy: GIVES_AWAY });
  bench.createTopic(1);
  const body = 'x'.repeat(60 * 1024);
  for (let i = 0; i < 42; i++) bench.publish(1, [body]);
  const first = lettersIn(bench.settle());
  const bytes = first.flatMap(({ letters }) => letters).length * body.length;
  for (let next = 0; next < lettersIn(bench.heard).length; next++) {
    settle(bench, lettersIn(bench.heard)[next], true);
  }
  const all = lettersIn(bench.heard).flatMap(({ letters }) => letters).length;

  assert.ok(bytes >= 1024 * 1024 - body.length && bytes <= 1024 * 1024 + body.length, `${bytes}`);
  assert.equal(all, 40);
});

test('DeadLetters: an emptied topic drops those that wait, and an answer that comes late is nobody’s', () => {
  const bench = new PumpBench({ policy: GIVES_AWAY });
  bench.createTopic(1);
  bench.publish(1, ['a', 'b', 'c']);
  const [sent] = lettersIn(bench.settle());
  bench.control({ do: 'emptyTopic', topic: 1 });
  bench.settle();
  settle(bench, sent, true);

  assert.deepEqual(leaving(bench), [0, 0]);
});

test('DeadLetters: a pump that closes gives back what is on its way, with its attempts', () => {
  const bench = new PumpBench({ policy: { maxAttempts: 1, deadLetter: 'dead' } });
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1);
  bench.publish(1, ['a']);
  bench.settle();
  bench.requeue(7, bench.got(7)[0].id, 0);
  const [sent] = lettersIn(bench.settle());
  bench.control({ do: 'close' });
  bench.settle();
  bench.disk.opened(1);
  bench.disk.opened(2);
  bench.settle();
  const written = bench.disk.take().filter((line) => line.startsWith('APPEND'));

  assert.deepEqual(
    sent.letters.map(({ attempts }) => attempts),
    [1],
  );
  assert.deepEqual(
    [written, bench.disk.appended.map(({ attempts }) => attempts)],
    [['APPEND 2 a'], [1]],
  );
});
