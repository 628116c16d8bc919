import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimingWheel } from '../../../src/shared/timing-wheel.ts';

const HOUR_MS = 3_600_000;
const TURN_MS = 2 ** 32;

function expire(wheel: TimingWheel, nowMs: number): number[] {
  const count = wheel.expire(nowMs);
  return Array.from(wheel.expired.subarray(0, count));
}

test('TimingWheel: an entry expires at its deadline and not before', () => {
  const wheel = new TimingWheel(1000);
  wheel.schedule(3, 1010);

  const batches = [expire(wheel, 1009.9), expire(wheel, 1010), expire(wheel, 1011)];

  assert.deepStrictEqual(batches, [[], [3], []]);
});

test('TimingWheel: a deadline between two ticks is rounded up', () => {
  const wheel = new TimingWheel(0.5);
  wheel.schedule(0, 10.2);

  const batches = [expire(wheel, 10.9), wheel.nextDeadlineMs(), expire(wheel, 11)];

  assert.deepStrictEqual(batches, [[], 11, [0]]);
});

test('TimingWheel: a deadline that has passed expires at the next call', () => {
  const wheel = new TimingWheel(100.7);
  wheel.schedule(0, 100.6);
  wheel.schedule(1, -5);
  wheel.schedule(2, 101);

  const next = wheel.nextDeadlineMs();
  const batches = [expire(wheel, 100.7), expire(wheel, 101)];

  assert.deepStrictEqual([next, batches], [100.7, [[0, 1], [2]]]);
});

test('TimingWheel: entries expire by tick, and in the order of scheduling within one', () => {
  const wheel = new TimingWheel(0);
  const deadlines = [70_000, 5, 300, 5, 17_000_000, 4, 300];
  for (const [entry, deadlineMs] of deadlines.entries()) wheel.schedule(entry, deadlineMs);

  const entries = expire(wheel, 20_000_000);

  assert.deepStrictEqual(entries, [5, 1, 3, 2, 6, 0, 4]);
});

test('TimingWheel: with a limit, several calls return the same entries in the same order', () => {
  const deadlines = fc.array(fc.integer({ min: -10, max: 70_000 }), { maxLength: 200 });
  fc.assert(
    fc.property(
      deadlines,
      fc.integer({ min: 1, max: 20 }),
      fc.nat(70_000),
      (times, limit, nowMs) => {
        const [whole, limited] = [new TimingWheel(0), new TimingWheel(0)];
        for (const [entry, deadlineMs] of times.entries()) {
          whole.schedule(entry, deadlineMs);
          limited.schedule(entry, deadlineMs);
        }
        const taken: number[] = [];
        for (
          let count = limit;
          count === limit;
          taken.push(...limited.expired.subarray(0, count))
        ) {
          count = limited.expire(nowMs, limit);
        }

        assert.deepStrictEqual(taken, expire(whole, nowMs));
        assert.deepStrictEqual(
          [limited.count, limited.nextDeadlineMs()],
          [whole.count, whole.nextDeadlineMs()],
        );
        assert.deepStrictEqual(expire(limited, 100_000), expire(whole, 100_000));
      },
    ),
  );
});

test('TimingWheel: entries that are left at a limit can be cancelled, and scheduled again', () => {
  const wheel = new TimingWheel(0);
  for (let entry = 0; entry < 5; entry++) wheel.schedule(entry, 10);
  const first = wheel.expire(10, 2);
  wheel.cancel(2);
  wheel.schedule(0, 10);
  wheel.schedule(4, 20);

  const batches = [wheel.nextDeadlineMs(), expire(wheel, 10), expire(wheel, 20)];

  assert.equal(first, 2);
  assert.deepStrictEqual(batches, [10, [0, 3], [4]]);
});

test('TimingWheel: scheduling again replaces the deadline', () => {
  const wheel = new TimingWheel(0);
  wheel.schedule(0, 10);
  wheel.schedule(0, 500);

  const batches = [wheel.count, expire(wheel, 499), expire(wheel, 500), wheel.count];

  assert.deepStrictEqual(batches, [1, [], [0], 0]);
});

test('TimingWheel: a cancelled entry does not expire', () => {
  const wheel = new TimingWheel(0);
  for (const entry of [0, 1, 2]) wheel.schedule(entry, 10);
  wheel.cancel(0);
  wheel.cancel(0);
  wheel.cancel(1_000_000);

  const scheduled = [0, 1, 2, 1_000_000].map((entry) => wheel.isScheduled(entry));
  const entries = expire(wheel, 10);

  assert.deepStrictEqual(
    [scheduled, entries, wheel.count],
    [[false, true, true, false], [1, 2], 0],
  );
});

test('TimingWheel: an empty wheel has no next deadline', () => {
  const wheel = new TimingWheel(5);
  wheel.schedule(0, 10);
  wheel.cancel(0);

  assert.strictEqual(wheel.nextDeadlineMs(), Number.POSITIVE_INFINITY);
});

test('TimingWheel: following nextDeadlineMs reaches a far deadline in one step per level', () => {
  const wheel = new TimingWheel(0);
  wheel.schedule(0, 40 * 24 * HOUR_MS + 12_345);
  const times: number[] = [];

  while (wheel.count > 0) {
    times.push(wheel.nextDeadlineMs());
    wheel.expire(times[times.length - 1]);
  }

  assert.ok(times.length <= 4);
  assert.strictEqual(times.at(-1), 40 * 24 * HOUR_MS + 12_345);
});

test('TimingWheel: deadlines may lie beyond a turn of the highest level', () => {
  const wheel = new TimingWheel(123);
  wheel.schedule(0, 123 + TURN_MS - 1);
  wheel.schedule(1, 123 + TURN_MS);
  wheel.schedule(2, 123 + 5 * TURN_MS + 7);

  const batches = [expire(wheel, 122 + TURN_MS), expire(wheel, 123 + TURN_MS)];
  batches.push(expire(wheel, 129 + 5 * TURN_MS), expire(wheel, 130 + 5 * TURN_MS));

  assert.deepStrictEqual(batches, [[0], [1], [], [2]]);
});

test('TimingWheel: time that goes back is a bug', () => {
  const wheel = new TimingWheel(10);

  assert.throws(() => wheel.expire(9), /time does not go back/);
  assert.throws(() => wheel.schedule(0, Number.NaN), /a deadline is a number/);
  assert.throws(() => wheel.schedule(-1, 10), /an entry is a number from 0 on/);
});

/** Deadlines in a map, searched whole each time. */
class Model {
  readonly #wheel: TimingWheel;
  readonly #entries = new Map<number, { deadlineMs: number; tick: number; order: number }>();
  #nowMs: number;
  #order = 0;

  constructor(nowMs: number) {
    this.#wheel = new TimingWheel(nowMs);
    this.#nowMs = nowMs;
  }

  schedule(entry: number, inMs: number): void {
    const deadlineMs = this.#nowMs + inMs;
    const hasPassed = deadlineMs <= this.#nowMs;
    const tick = hasPassed ? Number.NEGATIVE_INFINITY : Math.ceil(deadlineMs);
    this.#wheel.schedule(entry, deadlineMs);
    this.#entries.set(entry, { deadlineMs, tick, order: this.#order++ });
  }

  cancel(entry: number): void {
    this.#wheel.cancel(entry);
    this.#entries.delete(entry);
  }

  advance(byMs: number): void {
    this.#expireAt(this.#nowMs + byMs);
  }

  /** Does what the owner of a wheel does: sleeps until the wheel wants to be looked at. */
  follow(): void {
    const nextMs = this.#wheel.nextDeadlineMs();
    if (nextMs !== Number.POSITIVE_INFINITY) this.#expireAt(Math.max(nextMs, this.#nowMs));
  }

  #expireAt(nowMs: number): void {
    this.#nowMs = nowMs;
    const due = [...this.#entries].filter(([, { tick }]) => tick <= nowMs);
    due.sort(([, a], [, b]) => (a.tick === b.tick ? a.order - b.order : a.tick - b.tick));
    for (const [entry] of due) this.#entries.delete(entry);

    const expired = expire(this.#wheel, nowMs);

    assert.deepStrictEqual(
      expired,
      due.map(([entry]) => entry),
    );
    for (const [, { deadlineMs }] of due) assert.ok(deadlineMs <= nowMs);
  }

  compare(): void {
    assert.strictEqual(this.#wheel.count, this.#entries.size);
    const nextMs = this.#wheel.nextDeadlineMs();
    let earliest = Number.POSITIVE_INFINITY;
    for (const [entry, { tick }] of this.#entries) {
      assert.ok(this.#wheel.isScheduled(entry));
      if (tick < earliest) earliest = tick;
    }
    assert.ok(nextMs <= Math.max(earliest, this.#nowMs));
    assert.strictEqual(nextMs === Number.POSITIVE_INFINITY, this.#entries.size === 0);
  }
}

const spanMs = fc.oneof(
  fc.double({ min: -10, max: 300, noNaN: true }),
  fc.integer({ min: 0, max: 70_000 }),
  fc.double({ min: 0, max: 20 * HOUR_MS, noNaN: true }),
  fc.integer({ min: 0, max: 3 * TURN_MS }),
  fc.constantFrom(255, 256, 257, 65_535, 65_536, 65_537, 2 ** 24 - 1, 2 ** 24, TURN_MS),
);
const entryNumber = fc.integer({ min: 0, max: 200 });
const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('schedule'), entryNumber, spanMs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel'), entryNumber, spanMs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance'), entryNumber, spanMs }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('follow'), entryNumber, spanMs }) },
);

test('TimingWheel: agrees with a map of deadlines', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.double({ min: -1e6, max: 1e9, noNaN: true }),
        fc.constantFrom(0, TURN_MS, 1.7e12),
      ),
      fc.array(action, { maxLength: 120, size: 'max' }),
      (startMs, actions) => {
        const model = new Model(startMs);
        for (const next of actions) {
          if (next.do === 'schedule') model.schedule(next.entryNumber, next.spanMs);
          else if (next.do === 'cancel') model.cancel(next.entryNumber);
          else if (next.do === 'advance') model.advance(Math.max(0, next.spanMs));
          else model.follow();
          model.compare();
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('TimingWheel: agrees with a map of deadlines for 100,000 entries', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => {
      let state = seed;
      const below = (limit: number): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((state / 2 ** 32) * limit);
      };
      const spans = [200, 60_000, 2 * HOUR_MS, 60 * 24 * HOUR_MS];
      const model = new Model(below(1e9));
      for (let entry = 0; entry < 100_000; entry++) model.schedule(entry, below(spans[entry & 3]));
      for (let turn = 0; turn < 12; turn++) {
        for (let count = 0; count < 5000; count++) {
          model.schedule(below(100_000), below(spans[below(4)]));
          model.cancel(below(100_000));
        }
        model.advance(below(spans[turn & 3]));
        model.compare();
      }
      model.advance(61 * 24 * HOUR_MS);
      model.compare();
    }),
    { numRuns: 3 },
  );
});
