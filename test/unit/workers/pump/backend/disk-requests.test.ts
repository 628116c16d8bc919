import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingWriter } from '../../../../../src/shared/ring/ring.ts';
import {
  DiskRequests,
  RecordOutcomes,
} from '../../../../../src/workers/pump/backend/disk-requests.ts';
import { MessageStore } from '../../../../../src/workers/pump/store/message-store.ts';
import { DiskSide } from '../../../../support/disk-side.ts';

type Parts = { outcomes: RecordOutcomes; send: () => string[]; disk: DiskSide; ring: RingWriter };

function makeOutcomes(requestBytes = 1024 * 1024): Parts {
  const outcomes = new RecordOutcomes();
  const disk = new DiskSide(requestBytes);
  const ring = disk.link.requests;
  const requests = new DiskRequests(ring, new MessageStore(), 7);
  const send = (): string[] => {
    outcomes.send(requests);
    ring.publish();
    return disk.take();
  };
  return { outcomes, send, disk, ring };
}

test('RecordOutcomes: records that are finished one after the other are one run', () => {
  const { outcomes, send } = makeOutcomes();
  for (const number of [3, 4, 5, 9, 8, 10, 11]) outcomes.finish(number);

  assert.deepStrictEqual([send(), send()], [['FINISH 7 3-5 9 8 10-11'], []]);
});

test('RecordOutcomes: a run goes on where the numbers wrap to the start', () => {
  const { outcomes, send } = makeOutcomes();
  for (const number of [2 ** 32 - 2, 2 ** 32 - 1, 0, 1]) outcomes.finish(number);

  assert.deepStrictEqual(send(), ['FINISH 7 4294967294-1']);
});

test('RecordOutcomes: updates go before what was finished, with due times beyond 32 bits', () => {
  const { outcomes, send } = makeOutcomes();
  outcomes.update(2 ** 32 - 1, 65_535, 1_700_000_000_123);
  outcomes.finish(1);
  outcomes.update(2, 1, 0);

  assert.deepStrictEqual(send(), ['UPDATE 7 4294967295,65535,1700000000123 2,1,0', 'FINISH 7 1']);
});

test('RecordOutcomes: what the ring has no room for follows later, and nothing comes twice', () => {
  const { outcomes, send, disk, ring } = makeOutcomes(32 * 1024);
  for (let number = 0; number < 20_000; number += 2) outcomes.finish(number);
  const seen: string[] = [];
  let requests = 0;
  for (let lines = send(); lines.length > 0; lines = send()) {
    requests += lines.length;
    seen.push(...lines.flatMap((line) => line.split(' ').slice(2)));
  }

  const numbers = Array.from({ length: 10_000 }, (_, i) => `${2 * i}`);
  assert.deepStrictEqual([requests > 2, seen], [true, numbers]);
  assert.deepStrictEqual([disk.take(), ring.publish()], [[], false]);
});

test('RecordOutcomes: of many updates on the same records the last ones are kept', () => {
  const { outcomes, send } = makeOutcomes();
  for (let attempts = 1; attempts <= 10_000; attempts++) {
    outcomes.update(attempts % 3, attempts, 0);
  }

  const updates = send()[0].split(' ').slice(2);

  assert.ok(updates.length < 2000, `${updates.length}`);
  assert.deepStrictEqual(updates.slice(-3), ['2,9998,0', '0,9999,0', '1,10000,0']);
});

test('RecordOutcomes: what was cleared is not sent', () => {
  const { outcomes, send } = makeOutcomes();
  outcomes.finish(1);
  outcomes.update(2, 1, 0);
  outcomes.clear();
  outcomes.finish(2);

  assert.deepStrictEqual(send(), ['FINISH 7 2']);
});
