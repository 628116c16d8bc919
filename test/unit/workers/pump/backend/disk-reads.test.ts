import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as wire from '../../../../../src/workers/disk-records.ts';
import { RecordsAnswer } from '../../../../../src/workers/pump/backend/disk-answers.ts';
import { DiskReads } from '../../../../../src/workers/pump/backend/disk-reads.ts';
import { DiskRequests } from '../../../../../src/workers/pump/backend/disk-requests.ts';
import { MessageStore } from '../../../../../src/workers/pump/store/message-store.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import { DiskSide } from '../../../../support/disk-side.ts';
import { bodiesIn } from '../../../../support/pump-parts.ts';

const QUEUE = 7;
/** What counts as now. */
const NOW_MS = 1_700_000_000_000;
const LATER_MS = NOW_MS + 5000;
const RECORD_BYTES = 31;

/** The reads of a queue, against a disk that the test plays. */
class Side {
  readonly disk: DiskSide;
  readonly store = new MessageStore();
  readonly reads: DiskReads;
  /** What the owner has heard. */
  readonly told: string[] = [];

  constructor(keepsDeferred = false, requestBytes?: number) {
    this.disk = new DiskSide(requestBytes);
    this.reads = new DiskReads({
      store: this.store,
      requests: new DiskRequests(this.disk.link.requests, this.store, QUEUE),
      answer: new RecordsAnswer(),
      unixMsDue: () => NOW_MS,
      onDeferred: keepsDeferred
        ? null
        : (position, dueMs) => this.told.push(`deferred ${this.#body(position)} ${dueMs}`),
      onPastDue: (position, dueMs) => this.told.push(`past due ${this.#body(position)} ${dueMs}`),
      onLost: (number) => this.told.push(`lost ${number}`),
    });
  }

  /** Sends the wanted request. Returns what has reached the disk. */
  send(nowMs = 0): string[] {
    this.reads.send(nowMs);
    this.disk.link.requests.publish();
    return this.disk.take();
  }

  /** Asks for records, which the disk is to answer next. */
  ask(): this {
    this.reads.want();
    assert.equal(this.send().length, 1);
    return this;
  }

  /** Handles the answer of the disk. */
  answer(): void {
    const { replies } = this.disk.link;
    replies.look();
    const type = replies.front();
    this.reads.onAnswered();
    if (type === wire.REREAD_DONE) this.reads.onReread(replies);
    else this.reads.onRecords(replies);
    replies.pop();
    replies.release();
  }

  /** Fetched messages, oldest first: body and number. */
  fetched(): string[] {
    const { fetched } = this.reads;
    const found: string[] = [];
    while (fetched.count > 0) {
      const { position } = fetched;
      found.push(`${this.#body(position)} ${this.store.recordNumber(position)}`);
      this.reads.take(1);
    }
    return found;
  }

  #body(position: number): string {
    return bodiesIn(this.store, position, 1)[0];
  }
}

function recordsOf(...bodies: readonly string[]): Buffer[] {
  return bodies.map((body, index) => diskRecord(index, body));
}

test('DiskReads: there is one request at a time', () => {
  const { reads, ...side } = new Side();
  assert.ok(reads.isIdle);
  reads.want();
  assert.deepStrictEqual([reads.isIdle, reads.isSent, reads.sendableMs], [false, false, 0]);
  assert.throws(() => reads.want(), /one request for records at a time/);

  reads.send(0);
  side.disk.link.requests.publish();
  assert.deepStrictEqual(side.disk.take(), [`READ ${QUEUE}`]);
  assert.deepStrictEqual([reads.isSent, reads.sendableMs], [true, undefined]);
  assert.throws(() => reads.want(), /one request for records at a time/);
});

test('DiskReads: a request that is not wanted is not sent', () => {
  const side = new Side();
  side.reads.want();
  side.reads.cancel();

  assert.deepStrictEqual([side.send(), side.reads.isIdle], [[], true]);
});

test('DiskReads: a request that was sent cannot be cancelled', () => {
  const side = new Side().ask();
  side.reads.cancel();

  assert.equal(side.reads.isSent, true);
});

test('DiskReads: an answer without a request is a bug', () => {
  assert.throws(() => new Side().reads.onAnswered(), /records are answers to a request/);
});

test('DiskReads: a request waits while the ring is full', () => {
  const side = new Side();
  const { requests } = side.disk.link;
  const filler = new DiskRequests(requests, side.store, 1);
  while (filler.plain(wire.EMPTY_QUEUE));
  side.reads.want();

  assert.equal(side.reads.send(0), false);
  requests.publish();
  side.disk.take();
  assert.deepStrictEqual(side.send(), [`READ ${QUEUE}`]);
});

test('DiskReads: what the disk hands out is fetched in order, with its numbers', () => {
  const side = new Side().ask();
  side.disk.records(QUEUE, recordsOf('a', 'b', 'c'), 0, { first: 40 });
  side.answer();

  assert.equal(side.reads.isIdle, true);
  assert.deepStrictEqual([side.reads.depth, side.reads.bytes > 0], [3, true]);
  assert.deepStrictEqual(side.fetched(), ['a 40', 'b 41', 'c 42']);
  assert.deepStrictEqual([side.reads.depth, side.reads.bytes], [0, 0]);
});

test('DiskReads: what is not due goes to the owner, what was due to the fetched with its time', () => {
  const side = new Side().ask();
  side.disk.records(QUEUE, recordsOf('a', 'b', 'c', 'd'), 0, {
    first: 1,
    dueTimes: [0, LATER_MS, NOW_MS, LATER_MS + 1],
  });
  side.answer();

  assert.deepStrictEqual(side.told, [
    `deferred b ${LATER_MS}`,
    `past due c ${NOW_MS}`,
    `deferred d ${LATER_MS + 1}`,
  ]);
  assert.deepStrictEqual(side.fetched(), ['a 1', 'c 3']);
});

test('DiskReads: a topic keeps deferred messages among the others', () => {
  const side = new Side(true).ask();
  side.disk.records(QUEUE, recordsOf('a', 'b'), 0, { first: 1, dueTimes: [0, LATER_MS] });
  side.answer();

  assert.deepStrictEqual(side.fetched(), ['a 1', 'b 2']);
});

test('DiskReads: evicted records are asked for before those that were never read', () => {
  const side = new Side();
  for (const number of [10, 11, 15]) side.reads.reread(number);
  side.reads.want();

  assert.deepStrictEqual(side.send(), [`REREAD ${QUEUE} 10-11 15`]);
});

test('DiskReads: reread records are fetched, and those that are missing are lost', () => {
  const side = new Side();
  for (const number of [10, 11, 12]) side.reads.reread(number);
  assert.deepStrictEqual([side.reads.hasReadable, side.reads.depth], [true, 3]);
  side.ask();
  const [a, c] = recordsOf('a', 'c');
  side.disk.reread(
    QUEUE,
    3,
    new Map([
      [10, a],
      [12, c],
    ]),
  );
  side.answer();

  assert.deepStrictEqual(side.told, ['lost 11']);
  assert.deepStrictEqual([side.reads.hasReadable, side.reads.depth], [false, 2]);
  assert.deepStrictEqual(side.fetched(), ['a 10', 'c 12']);
});

test('DiskReads: what an answer does not cover is asked for again', () => {
  const side = new Side();
  for (const number of [10, 11, 12]) side.reads.reread(number);
  side.ask();
  side.disk.reread(QUEUE, 2, new Map([[10, recordsOf('a')[0]]]));
  side.answer();
  side.reads.want();

  assert.deepStrictEqual(side.told, ['lost 11']);
  assert.deepStrictEqual(side.send(), [`REREAD ${QUEUE} 12`]);
});

test('DiskReads: a record that is no longer wanted is neither fetched nor lost', () => {
  const side = new Side();
  for (const number of [10, 11, 12, 13]) side.reads.reread(number);
  side.ask();
  side.reads.rereads.remove(10);
  side.reads.rereads.remove(12);
  const [a, b, d] = recordsOf('a', 'b', 'd');
  // 12 is missing.
  side.disk.reread(
    QUEUE,
    4,
    new Map([
      [10, a],
      [11, b],
      [13, d],
    ]),
  );
  side.answer();

  assert.deepStrictEqual(side.told, []);
  assert.deepStrictEqual(side.fetched(), ['b 11', 'd 13']);
});

test('DiskReads: a failed read is retried after a second', () => {
  const side = new Side().ask();
  side.reads.onAnswered();
  side.reads.onFailed(500);

  assert.equal(side.reads.sendableMs, 1500);
  assert.deepStrictEqual(side.send(1499), []);
  assert.deepStrictEqual(side.send(1500), [`READ ${QUEUE}`]);
  // The next one is sent at once.
  side.reads.onAnswered();
  side.reads.want();
  assert.equal(side.reads.sendableMs, 0);
});

test('DiskReads: a wanted read ends the waiting for messages', () => {
  const { reads } = new Side();
  reads.isAwaited = true;
  reads.want();

  assert.equal(reads.isAwaited, false);
});

test('DiskReads: fetched messages that are taken from the middle no longer count', () => {
  const side = new Side().ask();
  side.disk.records(QUEUE, recordsOf('a', 'b', 'c'), 0, { first: 1 });
  side.answer();
  const { bytes } = side.reads;
  side.reads.takeOut(new Set([side.reads.fetched.position + 1]));

  assert.deepStrictEqual([side.reads.depth, side.reads.bytes], [2, (bytes / 3) * 2]);
  assert.deepStrictEqual(side.fetched(), ['a 1', 'c 3']);
});

test('DiskReads: depth and bytes tell of unread records too, but not of deferred ones', () => {
  const { reads } = new Side();
  reads.unread.count = 10;
  reads.unread.deferredCount = 4;
  reads.unread.bytes = 10 * RECORD_BYTES;

  assert.deepStrictEqual(
    [reads.depth, reads.bytes, reads.hasReadable],
    [6, 10 * RECORD_BYTES, true],
  );
});

test('DiskReads: nothing is left of records that no longer exist', () => {
  const side = new Side().ask();
  side.disk.records(QUEUE, recordsOf('a', 'b'), 0, { first: 1 });
  side.answer();
  side.reads.reread(9);
  side.reads.unread.count = 5;
  side.reads.want();
  side.reads.clear();

  const { depth, bytes, hasReadable, isIdle } = side.reads;
  assert.deepStrictEqual(
    { depth, bytes, hasReadable, isIdle },
    { depth: 0, bytes: 0, hasReadable: false, isIdle: true },
  );
});
