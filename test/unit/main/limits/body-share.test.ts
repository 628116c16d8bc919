import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyShare } from '../../../../src/main/limits/body-share.ts';
import { BodySender } from '../../../support/body-sender.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { freshSeed, seededRandom } from '../../../support/seeded-random.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const BOUND = 1000 * KIB;

class Bench {
  readonly clock = new ManualClock();
  readonly waiting: number[] = [];
  readonly aborted: string[] = [];
  readonly share: BodyShare;
  #lastNumber = 0;

  constructor(boundBytes = BOUND) {
    this.share = new BodyShare(boundBytes, this.clock, {
      onWaiting: (count) => this.waiting.push(count),
      onAborted: (gatherer) => this.aborted.push(gatherer.toString()),
    });
  }

  /** Senders, each with the KiB that it holds and announces. */
  senders(sizes: readonly (readonly [number, number])[], remoteIp?: string): BodySender[] {
    return sizes.map(([heldKib, wantedKib]) => {
      const sender = new BodySender(`${this.#lastNumber++}`, { remoteIp });
      this.share.note(sender, heldKib * KIB, wantedKib * KIB, false);
      return sender;
    });
  }

  sender(heldKib: number, wantedKib: number, remoteIp?: string): BodySender {
    return this.senders([[heldKib, wantedKib]], remoteIp)[0];
  }
}

function reading(senders: readonly BodySender[]): string {
  return senders.map(({ isReading }) => (isReading ? 'r' : '-')).join('');
}

test('BodyShare: a body that fits is reserved as a whole, and no sender waits', () => {
  const bench = new Bench();

  const senders = bench.senders([
    [64, 300],
    [10, 300],
  ]);
  for (const sender of senders) bench.share.note(sender, 200 * KIB, 300 * KIB, false);

  assert.deepStrictEqual([reading(senders), bench.share.setAsideBytes], ['rr', 600 * KIB]);
  assert.equal(bench.clock.timerCount, 0);
});

test('BodyShare: who finds no room waits, and goes on when there is room', () => {
  const bench = new Bench();
  const senders = bench.senders([
    [64, 400],
    [64, 300],
    [64, 500],
  ]);
  const before = [reading(senders), bench.share.isWaiting(senders[2])];

  bench.share.finish(senders[0]);

  assert.deepStrictEqual(before, ['rr-', true]);
  assert.deepStrictEqual([reading(senders), bench.share.isWaiting(senders[2])], ['rr-', true]);
  bench.share.finish(senders[1]);
  assert.deepStrictEqual([reading(senders), bench.waiting], ['rrr', [1]]);
  assert.deepStrictEqual([bench.share.setAsideBytes, bench.clock.timerCount], [500 * KIB, 0]);
});

test('BodyShare: a body larger than the share goes on alone', () => {
  const bench = new Bench();

  const senders = bench.senders([
    [64, 2000],
    [64, 100],
  ]);

  assert.equal(reading(senders), 'r-');
});

test('BodyShare: one host leaves room for others', () => {
  const bench = new Bench();

  const greedy = bench.senders([
    [64, 500],
    [64, 200],
    [64, 200],
  ]);
  bench.share.forget(greedy[2]);
  const other = bench.sender(64, 300, '10.0.0.2');

  assert.deepStrictEqual([reading(greedy), other.isReading], ['rr-', true]);
});

test('BodyShare: the host that has least set aside is next', () => {
  const bench = new Bench();
  const greedy = bench.senders([
    [64, 400],
    [64, 350],
    [64, 100],
    [64, 100],
  ]);
  const others = bench.senders(
    [
      [64, 400],
      [64, 300],
    ],
    '10.0.0.2',
  );

  bench.share.finish(greedy[1]);

  assert.deepStrictEqual([reading(greedy), reading(others)], ['rr--', '-r']);
});

test('BodyShare: the smallest is next, then the one that waits longest', () => {
  const bench = new Bench();
  const first = bench.senders([
    [64, 375],
    [64, 375],
  ]);
  const line = bench.senders([
    [64, 300],
    [64, 200],
    [64, 100],
  ]);

  const turns = first.map((sender) => {
    bench.share.finish(sender);
    return reading(line);
  });

  assert.deepStrictEqual(turns, ['--r', 'rrr']);
});

test('BodyShare: a sender that has completed a body goes before others of its host', () => {
  const bench = new Bench();
  const proven = bench.sender(64, 200);
  bench.share.finish(proven);
  const [first] = bench.senders([
    [64, 700],
    [64, 100],
  ]);

  bench.share.note(proven, 64 * KIB, 650 * KIB, false);
  const before = proven.isReading;
  bench.share.finish(first);

  assert.deepStrictEqual([before, proven.isReading], [false, true]);
});

test('BodyShare: one that sends body after body waits for its turn like others', () => {
  const bench = new Bench();
  const [busy, other] = bench.senders([
    [64, 700],
    [64, 600],
  ]);

  bench.share.note(busy, 70 * KIB, 500 * KIB, true);
  const second = [busy.isReading, other.isReading];
  bench.share.note(busy, 70 * KIB, 600 * KIB, true);

  assert.deepStrictEqual(second, [true, false]);
  assert.deepStrictEqual([busy.isReading, other.isReading], [false, true]);
});

test('BodyShare: what is whole counts, and is neither held back nor given up', () => {
  const bench = new Bench();
  const whole = bench.sender(900, 900);
  const first = bench.sender(64, 90);
  const second = bench.sender(64, 90);

  bench.clock.advance(2000);

  assert.deepStrictEqual([whole.isReading, whole.isAborted], [true, false]);
  assert.deepStrictEqual([first.isAborted, second.isReading], [true, true]);
});

test('BodyShare: one that is held back and done all the same reads on', () => {
  const bench = new Bench();
  const [, held] = bench.senders([
    [64, 900],
    [64, 200],
  ]);
  const before = held.isReading;

  bench.share.finish(held);

  assert.deepStrictEqual([before, held.isReading], [false, true]);
});

test('BodyShare: while others wait, who makes no progress is given up after half a second', () => {
  const bench = new Bench();
  const [stalled, other] = bench.senders([
    [64, 700],
    [64, 500],
  ]);

  bench.clock.advance(490);
  const before = [stalled.isAborted, other.isReading];
  bench.clock.advance(10);

  assert.deepStrictEqual(before, [false, false]);
  assert.deepStrictEqual([stalled.isAborted, other.isReading, bench.aborted], [true, true, ['0']]);
  assert.equal(bench.clock.timerCount, 0);
});

test('BodyShare: a sender that has completed a body may begin a second', () => {
  const bench = new Bench();
  const proven = bench.sender(64, 200);
  bench.share.finish(proven);
  bench.share.note(proven, 64 * KIB, 700 * KIB, false);
  bench.sender(64, 500);

  bench.clock.advance(990);
  const before = proven.isAborted;
  bench.clock.advance(10);

  assert.deepStrictEqual([before, proven.isAborted], [false, true]);
});

test('BodyShare: the longer the line, the less patience there is', () => {
  const bench = new Bench();
  const [stalled] = bench.senders([
    [64, 700],
    ...Array.from({ length: 9 }, () => [64, 700] as const),
  ]);

  bench.clock.advance(50);
  const before = stalled.isAborted;
  bench.clock.advance(10);

  assert.deepStrictEqual([before, stalled.isAborted], [false, true]);
});

test('BodyShare: a byte now and then is no progress, 64 KiB are', () => {
  const bench = new Bench();
  const [trickle, , steady] = bench.senders([
    [64, 350],
    [64, 900],
    [64, 350],
  ]);
  bench.share.forget(steady);
  const working = bench.sender(64, 350);
  let heldKib = 64;

  for (let step = 0; step < 4; step++) {
    bench.clock.advance(200);
    heldKib += 64;
    bench.share.note(trickle, (64 + step) * KIB, 350 * KIB, false);
    bench.share.note(working, heldKib * KIB, 350 * KIB, false);
  }

  assert.deepStrictEqual([trickle.isAborted, working.isAborted], [true, false]);
});

test('BodyShare: without waiting clients, no client is disconnected', () => {
  const bench = new Bench();
  const [stalled, other] = bench.senders([
    [64, 700],
    [64, 500],
  ]);
  bench.share.forget(other);

  bench.clock.advance(60_000);

  assert.deepStrictEqual([stalled.isAborted, bench.clock.timerCount], [false, 0]);
});

test('BodyShare: only as many are given up as is needed', () => {
  const bench = new Bench();
  const stalled = bench.senders([
    [64, 350],
    [64, 350],
  ]);
  const waiting = bench.sender(64, 350);

  bench.clock.advance(60_000);

  assert.deepStrictEqual(
    [stalled.map(({ isAborted }) => isAborted), waiting.isReading],
    [[true, false], true],
  );
});

test('BodyShare: one that waits for the broker goes on', () => {
  const bench = new Bench();
  const [busy, other] = bench.senders([
    [64, 700],
    [64, 500],
  ]);
  busy.isWaitingForBroker = true;

  bench.clock.advance(10_000);

  assert.deepStrictEqual([busy.isAborted, other.isReading], [false, false]);
});

test('BodyShare: a body that is larger than it said is given up where there is no room for it', () => {
  const bench = new Bench();
  const [liar, other] = bench.senders([
    [64, 100],
    [64, 500],
  ]);

  bench.share.note(liar, 101 * KIB, 200 * KIB, false);
  const fits = liar.isAborted;
  bench.share.note(liar, 201 * KIB, 600 * KIB, false);

  assert.deepStrictEqual([fits, liar.isAborted, other.isAborted], [false, true, false]);
  assert.deepStrictEqual([bench.aborted, bench.share.setAsideBytes], [['0'], 500 * KIB]);
});

test('BodyShare: a thousand clients that are gone while they wait are out of the way at once', () => {
  const bench = new Bench(5 * MIB);
  const line = bench.senders(Array.from({ length: 1000 }, () => [64, 1024] as const));
  for (const sender of line) sender.onResumed = () => bench.share.forget(sender);
  const stalled = line.filter(({ isReading }) => isReading);

  for (const sender of stalled) bench.share.forget(sender);

  assert.deepStrictEqual(reading(line), 'r'.repeat(1000));
  assert.equal(bench.share.setAsideBytes, 0);
});

test('BodyShare: a well-behaved client comes through a thousand stalled ones within a second', () => {
  for (const [count, wantedKib] of [
    [20, 1024],
    [60, 1024],
    [1000, 1024],
    [60, 320],
  ]) {
    const bench = new Bench(5 * MIB);
    // a client that is disconnected reconnects at once, and stalls again
    const connect = (): void => {
      const attacker = bench.sender(64, wantedKib);
      const abort = attacker.abort.bind(attacker);
      attacker.abort = () => {
        bench.clock.after(1, connect);
        return abort();
      };
    };
    for (let index = 0; index < count; index++) connect();
    bench.clock.advance(5000);
    const other = bench.sender(64, 300);

    let waitedMs = 0;
    for (; !other.isReading; waitedMs += 10) bench.clock.advance(10);

    assert.ok(waitedMs <= 600, `${count} of ${wantedKib} KiB: ${waitedMs} ms`);
  }
});

test('BodyShare: whatever comes, somebody goes on, and the bound holds', () => {
  const BODY = 400 * KIB;
  const CHUNK = 50 * KIB;
  const COUNT = 20;
  const seed = freshSeed();
  const random = seededRandom(seed);
  const bench = new Bench();
  const senders = Array.from({ length: COUNT }, (_, index) => {
    return new BodySender(`${index}`, { remoteIp: `10.0.0.${index % 3}` });
  });
  const held = new Map(senders.map((sender) => [sender, 0]));
  let mostBytes = 0;
  let doneCount = 0;

  for (let step = 0; step < 20_000; step++) {
    const able = senders.filter(({ isReading }) => isReading);
    assert.ok(able.length > 0, `seed ${seed}, step ${step}: everybody is held back`);
    const sender = able[random(able.length)];
    const bytes = (held.get(sender) ?? 0) + random(CHUNK);
    const isDone = bytes >= BODY;
    if (isDone) doneCount++;
    held.set(sender, isDone ? 0 : bytes);
    if (isDone) bench.share.finish(sender);
    else bench.share.note(sender, bytes, BODY, false);
    mostBytes = Math.max(mostBytes, bench.share.setAsideBytes);
  }

  assert.ok(mostBytes <= BOUND, `seed ${seed}: ${mostBytes}`);
  assert.ok(doneCount > 200, `seed ${seed}: ${doneCount} bodies`);
});
