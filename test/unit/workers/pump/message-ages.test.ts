import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageAges } from '../../../../src/workers/pump/message-ages.ts';
import { MessageStore } from '../../../../src/workers/pump/store/message-store.ts';
import { putInStore } from '../../../support/pump-parts.ts';

const NS_PER_MS = 1_000_000n;
const TTL_MS = 1000;

class Clock {
  nowMs = 0;
  unixMs = (): number => this.nowMs;
}

/** Positions of messages that were published at these times. */
function publishedAt(store: MessageStore, times: readonly number[]): number[] {
  return times.map((ms) => putInStore(store, ['m'], BigInt(ms) * NS_PER_MS));
}

function makeAges(): { store: MessageStore; clock: Clock; ages: MessageAges } {
  const store = new MessageStore(Number.POSITIVE_INFINITY);
  const clock = new Clock();
  return { store, clock, ages: new MessageAges(store, clock, TTL_MS) };
}

test('MessageAges: a message behind younger ones is hidden when it expires', () => {
  const { store, clock, ages } = makeAges();
  const [old, young] = publishedAt(store, [100, 500]);
  ages.onPut(young, 1, 0);
  ages.onPut(old, 1, 3);
  const hidden: number[][] = [];
  const hide = (): void => ages.hideExpired(10, (...found) => hidden.push(found));

  clock.nowMs = 1099;
  hide();
  assert.deepStrictEqual([hidden, ages.nextMs], [[], 1100]);
  clock.nowMs = 1100;
  hide();

  assert.deepStrictEqual(hidden, [[old, 3]]);
  assert.deepStrictEqual([...ages.hidden], [old]);
  assert.deepStrictEqual([ages.isExpired(old), ages.isExpired(young)], [true, false]);
});

test('MessageAges: a long run before a hidden message is checked once, not for each message that leaves it', () => {
  const { store, clock, ages } = makeAges();
  const RUN = 1000;
  const first = putInStore(
    store,
    Array.from({ length: RUN }, () => ''),
    500n * NS_PER_MS,
  );
  ages.onPut(first, RUN, 0);
  const [old] = publishedAt(store, [100]);
  ages.onPut(old, 1, 0);
  clock.nowMs = 1100;
  ages.hideExpired(10, () => undefined);
  let checks = 0;
  const { has } = Set.prototype;
  ages.hidden.has = (position) => {
    checks++;
    return has.call(ages.hidden, position);
  };

  let taken = 0;
  while (taken < RUN) {
    const count = ages.countBeforeHidden(first + taken, RUN + 1 - taken);
    assert.ok(count > 0, `message ${taken} is not hidden`);
    taken++;
  }

  assert.equal(ages.countBeforeHidden(old, 1), 0);
  assert.ok(checks <= 2 * RUN + 1, `${checks} checks`);
});

test('MessageAges: a message that is hidden within what was checked ends the run', () => {
  const { store, clock, ages } = makeAges();
  const [young, ...others] = publishedAt(store, [900, 100, 200, 300, 900, 900]);
  ages.onPut(young, 1, 0);
  for (const position of others) ages.onPut(position, 1, 0);
  const [first] = others;
  clock.nowMs = 1050;
  ages.hideExpired(10, () => undefined);
  assert.equal(ages.countBeforeHidden(first, others.length), others.length);

  clock.nowMs = 1200;
  ages.hideExpired(10, () => undefined);

  assert.deepStrictEqual([...ages.hidden], [others[0], others[1]]);
  assert.equal(ages.countBeforeHidden(first, others.length), 0);
  assert.equal(ages.countBeforeHidden(others[2], 3), 3);
});
