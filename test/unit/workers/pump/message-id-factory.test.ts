import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MessageIdFactory } from '../../../../src/shared/message-id.ts';
import { idText } from '../../../support/message-bytes.ts';

const UNIT_NS = 1n << 20n;
const EPOCH_UNITS = 1_288_834_974_288n;
const NOW_NS = 1_700_000_000_000_000_000n;

/** One run, as the first id and how many. */
function take(ids: MessageIdFactory, count: number, timestampNs: bigint): [bigint, number] {
  const taken = ids.take(count, Number(timestampNs >> 32n), Number(timestampNs & 0xffffffffn));
  return [BigInt(`0x${idText(ids.high, ids.low)}`), taken];
}

/** All ids that a request for `count` gives out, run after run. */
function takeAll(ids: MessageIdFactory, count: number, timestampNs: bigint): bigint[] {
  const all: bigint[] = [];
  while (all.length < count) {
    const [first, taken] = take(ids, count - all.length, timestampNs);
    for (let i = 0; i < taken; i++) all.push(first + BigInt(i));
  }
  return all;
}

test('MessageIdFactory: gives the ids that nsqd gives at this time on this node', () => {
  const ids = new MessageIdFactory(617);
  const unit = (0x18a373e374a69000n >> 22n) + EPOCH_UNITS;

  const all = takeAll(ids, 2, unit * UNIT_NS + 5n).map((id) => id.toString(16).padStart(16, '0'));

  assert.deepStrictEqual(all, ['18a373e374a69000', '18a373e374a69001']);
});

test('MessageIdFactory: an id is the time, the node and a sequence that restarts with each unit', () => {
  const ids = new MessageIdFactory(1023);
  takeAll(ids, 7, NOW_NS);

  const [first] = take(ids, 1, NOW_NS + UNIT_NS);

  const unit = ((NOW_NS + UNIT_NS) >> 20n) - EPOCH_UNITS;
  assert.equal(first, (unit << 22n) | (1023n << 12n));
});

test('MessageIdFactory: a run ends with the 4096 ids of a unit, and the next one borrows from the unit to come', () => {
  const ids = new MessageIdFactory(3);

  const runs = [take(ids, 5000, NOW_NS), take(ids, 904, NOW_NS), take(ids, 1, NOW_NS + UNIT_NS)];

  const unit = (NOW_NS >> 20n) - EPOCH_UNITS;
  const first = (unit << 22n) | (3n << 12n);
  assert.deepStrictEqual(runs, [
    [first, 4096],
    [first + (1n << 22n), 904],
    [first + (1n << 22n) + 904n, 1],
  ]);
});

test('MessageIdFactory: goes on from the last unit when the clock goes back', () => {
  const ids = new MessageIdFactory(0);
  const [before] = take(ids, 10, NOW_NS);

  const [after] = take(ids, 10, NOW_NS - 3_600_000_000_000n);

  assert.equal(after, before + 10n);
});

test('MessageIdFactory: refuses a node id of more than 10 bits', () => {
  assert.throws(() => new MessageIdFactory(1024), /a node id has 10 bits/);
});

test('MessageIdFactory: ids increase strictly and keep the node, whatever the clock does', () => {
  const request = fc.record({
    count: fc.integer({ min: 1, max: 9000 }),
    moveNs: fc.bigInt({ min: -5n * UNIT_NS, max: 5n * UNIT_NS }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1023 }),
      fc.array(request, { maxLength: 20 }),
      (nodeId, requests) => {
        const ids = new MessageIdFactory(nodeId);
        let nowNs = NOW_NS;
        let last = 0n;
        for (const { count, moveNs } of requests) {
          nowNs += moveNs;
          let rest = count;
          while (rest > 0) {
            const [first, taken] = take(ids, rest, nowNs);
            assert.ok(first > last && taken > 0 && taken <= rest);
            last = first + BigInt(taken) - 1n;
            const nodes = [first, last].map((id) => Number((id >> 12n) & 1023n));
            assert.deepStrictEqual(nodes, [nodeId, nodeId]);
            rest -= taken;
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});
