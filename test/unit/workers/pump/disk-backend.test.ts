import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskBackend } from '../../../../src/workers/pump/disk-backend.ts';
import { DiskLink } from '../../../../src/workers/pump/disk-link.ts';
import { MessageStore } from '../../../../src/workers/pump/message-store.ts';
import { Receipt } from '../../../../src/workers/pump/receipt.ts';
import { DiskSide } from '../../../support/disk-side.ts';
import { recordBytes } from '../../../support/message-bytes.ts';
import { bodiesIn, putInStore, putRecordInStore } from '../../../support/pump-parts.ts';

const ID = '18a373e374a69000';

/** A queue with number 1, played against a disk that the test plays. */
class Play {
  readonly store = new MessageStore();
  readonly disk: DiskSide;
  readonly link: DiskLink;
  readonly backend: DiskBackend;
  readonly log: string[] = [];
  nowMs = 0;

  constructor(appendBytes = 4 * 1024 * 1024) {
    this.disk = new DiskSide(appendBytes);
    const { append, read, bell } = this.disk.link;
    this.link = new DiskLink(append, read, bell, () => undefined);
    this.backend = new DiskBackend('t:c', this.store, this.link, {
      onHealth: (error) => this.log.push(`health ${error}`),
      onReadable: () => this.log.push('readable'),
      onEnded: () => this.log.push('ended'),
    });
  }

  /** Takes the answers, writes what is due. Returns the requests. */
  turn(): string[] {
    this.link.poll(this.nowMs);
    this.link.flush(this.nowMs);
    return this.disk.take();
  }

  /** A queue whose files are open and hold `unread` records. */
  open(unread = 0): this {
    assert.deepEqual(this.turn(), ['OPEN 1 t:c']);
    this.disk.opened(1, unread);
    this.turn();
    this.log.length = 0;
    return this;
  }

  put(...bodies: readonly string[]): number {
    const position = putInStore(this.store, bodies);
    this.backend.put(position, bodies.length, 0, null);
    return position;
  }

  /** Puts messages whose publisher waits. */
  putRefusable(name: string, ...bodies: readonly string[]): void {
    const receipt = this.receipt(true, name);
    this.backend.put(putInStore(this.store, bodies), bodies.length, 0, receipt);
    receipt.seal();
  }

  receipt(isRefusable: boolean, name: string): Receipt {
    return new Receipt(isRefusable, ({ error }) => this.log.push(`${name}: ${error}`));
  }

  /** What an `empty`, `close` or `delete` calls back. */
  done(name: string): (error: string | null) => void {
    return (error) => this.log.push(`${name}: ${error}`);
  }

  /** Bodies read ahead, taken. */
  takeReadAhead(): string[] {
    const bodies: string[] = [];
    while (this.backend.readAhead.count > 0) {
      const { position, runCount } = this.backend.readAhead;
      bodies.push(...bodiesIn(this.store, position, runCount));
      this.backend.take(runCount);
      this.store.release(position, runCount);
    }
    return bodies;
  }
}

function record(body: string): Buffer {
  return recordBytes(1n, 1, ID, body);
}

test('DiskBackend: opens its files at the end of its first turn, and says what is in them', () => {
  const play = new Play();

  const requests = play.turn();
  const wasSettled = play.backend.isSettled;
  play.disk.opened(1, 2 ** 33 + 5);
  play.turn();

  assert.deepStrictEqual([requests, wasSettled], [['OPEN 1 t:c'], false]);
  assert.deepStrictEqual(
    [play.backend.depth, play.backend.isSettled, play.log],
    [2 ** 33 + 5, true, ['readable']],
  );
});

test('DiskBackend: tells of files that cannot be opened', () => {
  const play = new Play();
  play.turn();
  play.disk.answer(16, 1, 0, 'open t:c: EACCES');
  play.turn();

  assert.deepStrictEqual(play.log, ['health open t:c: EACCES']);
});

test('DiskBackend: files that could not be opened are read after a while, as nobody knows what is in them', () => {
  const play = new Play();
  play.turn();
  play.disk.answer(16, 1, 0, 'open t:c: EACCES');
  const early = play.turn();
  play.nowMs = play.link.nextDeadlineMs;
  const later = play.turn();
  play.disk.records(1, [record('a')], 0);
  play.turn();

  assert.deepStrictEqual([early, play.nowMs, later], [[], 1000, ['READ 1']]);
  assert.deepStrictEqual(play.log, ['health open t:c: EACCES', 'health null', 'readable']);
  assert.deepStrictEqual(play.takeReadAhead(), ['a']);
});

test('DiskBackend: messages of a turn are one write, with attempts, time and id', () => {
  const play = new Play().open();
  play.put('a', 'b');
  const read = putRecordInStore(play.store, 'c', 4, 77n);
  play.backend.put(read, 1, 0, null);
  const sent = putInStore(play.store, ['d']);
  play.backend.put(sent, 1, 65_535, null);

  const requests = play.turn();

  assert.deepStrictEqual([requests, play.backend.depth], [['APPEND 1 a b c d'], 4]);
  assert.deepStrictEqual(
    play.disk.appended.map(({ attempts }) => attempts),
    [0, 0, 4, 65_535],
  );
  assert.equal(play.disk.appended[2].timestampNs, 77n);
});

test('DiskBackend: what was written is on disk only; its references are gone', () => {
  const play = new Play().open();
  const position = play.put('a', 'b');
  play.turn();
  play.disk.appendedOk(1, 2);
  play.turn();

  assert.deepStrictEqual([play.backend.depth, play.backend.isSettled], [2, true]);
  assert.throws(() => play.store.release(position, 1), /released once for each reference/);
});

test('DiskBackend: a large backlog goes in writes of a bounded size, a larger message alone', () => {
  const play = new Play().open();
  for (let i = 0; i < 5; i++) play.put('x'.repeat(100_000 + i));
  play.put('y'.repeat(300_000));
  play.put('z');

  const requests = play.turn();

  assert.deepStrictEqual(requests, [
    'APPEND 1 100000 100001',
    'APPEND 1 100002 100003',
    'APPEND 1 100004',
    'APPEND 1 300000',
    'APPEND 1 z',
  ]);
});

test('DiskBackend: accepted messages that could not be written are written again after a while', () => {
  const play = new Play().open();
  play.put('a', 'b');
  play.turn();
  play.disk.appendFailed(1, 'disk full');
  const early = play.turn();
  const { nextDeadlineMs } = play.link;
  play.put('c');
  const waiting = play.turn();
  play.nowMs = nextDeadlineMs;
  const again = play.turn();
  play.disk.appendedOk(1, 3);
  const after = play.turn();

  assert.deepStrictEqual([early, waiting, again, after], [[], [], ['APPEND 1 a b c'], []]);
  assert.deepStrictEqual(
    [nextDeadlineMs, play.log, play.backend.depth],
    [1000, ['health disk full', 'health null', 'readable'], 3],
  );
});

test('DiskBackend: health is told when it changes only', () => {
  const play = new Play().open();
  for (const error of ['disk full', 'disk full', 'disk on fire']) {
    play.put('a');
    play.turn();
    play.disk.appendFailed(1, error);
    play.turn();
    play.nowMs += 1000;
  }

  assert.deepStrictEqual(play.log, ['health disk full', 'health disk on fire']);
});

test('DiskBackend: messages whose publisher waits are refused, and not written again', () => {
  const play = new Play().open();
  play.putRefusable('first', 'a', 'b');
  play.putRefusable('second', 'c');
  const requests = play.turn();
  play.disk.appendFailed(1, 'disk full');
  play.turn();
  play.nowMs = 5000;

  const later = play.turn();

  assert.deepStrictEqual([requests, later], [['APPEND 1 a b c'], []]);
  assert.deepStrictEqual(
    [play.log, play.backend.depth],
    [['health disk full', 'first: disk full', 'second: disk full'], 0],
  );
});

test('DiskBackend: a publisher is told when all of its messages are written, over however many writes', () => {
  const play = new Play().open();
  play.putRefusable('large', ...new Array<string>(8000).fill('0123456789'));
  const writes = play.turn().length;
  play.disk.appendedOk(1, 6000);
  play.turn();
  const before = [...play.log];
  play.disk.appendedOk(1, 8000);
  play.turn();

  assert.deepStrictEqual([writes, before.includes('large: null')], [2, false]);
  assert.equal(play.log.includes('large: null'), true);
});

test('DiskBackend: who waits for accepted messages goes on waiting while they are tried again', () => {
  const play = new Play().open();
  for (const name of ['first', 'second']) {
    const receipt = play.receipt(false, name);
    play.backend.put(putInStore(play.store, [name, `${name} too`]), 2, 3, receipt);
    receipt.seal();
  }
  play.turn();
  play.disk.appendFailed(1, 'disk full');
  play.turn();
  play.nowMs = 1000;
  const again = play.turn();
  const before = [...play.log];
  play.disk.appendedOk(1, 4);
  play.turn();

  assert.deepStrictEqual(again, ['APPEND 1 first first too second second too']);
  assert.deepStrictEqual(before, ['health disk full']);
  assert.deepStrictEqual(play.log.slice(1), [
    'health null',
    'first: null',
    'second: null',
    'readable',
  ]);
  assert.deepStrictEqual(
    play.disk.appended.map(({ attempts }) => attempts),
    new Array(8).fill(3),
  );
});

test('DiskBackend: reads on demand, one READ at a time, and only when there is something', () => {
  const play = new Play().open();
  play.backend.demand();
  const nothing = play.turn();
  play.put('a');
  play.turn();
  play.disk.appendedOk(1, 1);
  play.turn();
  for (let i = 0; i < 3; i++) play.backend.demand();
  const once = play.turn();
  play.backend.demand();
  const whileReading = play.turn();

  assert.deepStrictEqual([nothing, once, whileReading], [[], ['READ 1'], []]);
});

test('DiskBackend: records that were read can be taken, and are released as they were taken', () => {
  const play = new Play().open(3);
  play.backend.demand();
  play.turn();
  play.disk.records(1, [record('a'), record('b')], 1);
  play.turn();
  const { depth } = play.backend;
  const bodies = play.takeReadAhead();
  play.backend.releaseTaken(1);
  play.backend.releaseTaken(1);

  const requests = play.turn();

  assert.deepStrictEqual([depth, bodies, play.backend.depth], [3, ['a', 'b'], 1]);
  assert.deepStrictEqual(requests, ['RELEASE 1 2']);
});

test('DiskBackend: records that span segments of the store are all read ahead', () => {
  const play = new Play().open(40);
  const bodies = Array.from({ length: 40 }, (_, i) => `${i}`.repeat(1500));
  const seen: string[] = [];
  for (let i = 0; i < 40; i += 10) {
    play.put('x'.repeat(80_000));
    play.backend.demand();
    play.turn();
    play.disk.appendedOk(1, 40 - i);
    play.disk.records(1, bodies.slice(i, i + 10).map(record), 30 - i);
    play.turn();
    seen.push(...play.takeReadAhead());
  }

  assert.deepStrictEqual(seen, bodies);
});

test('DiskBackend: a READ that failed is tried again after a while', () => {
  const play = new Play().open(1);
  play.backend.demand();
  play.turn();
  play.disk.readFailed(1, 'EIO', 1);
  const early = play.turn();
  play.nowMs = play.link.nextDeadlineMs;
  const again = play.turn();
  play.disk.records(1, [record('a')], 0);
  play.turn();

  assert.deepStrictEqual([early, play.nowMs, again], [[], 1000, ['READ 1']]);
  assert.deepStrictEqual(play.takeReadAhead(), ['a']);
});

test('DiskBackend: writes that wait for their time are not put off by reads that do', () => {
  const play = new Play().open(1);
  play.put('a');
  play.backend.demand();
  play.turn();
  play.disk.appendFailed(1, 'EIO', 1);
  play.turn();
  play.nowMs = 500;
  play.disk.readFailed(1, 'EIO', 1);
  play.turn();
  play.nowMs = 1000;

  assert.deepStrictEqual(play.turn(), ['APPEND 1 a']);
});

test('DiskBackend: empty drops what is in memory and has the files emptied, before later messages', () => {
  const play = new Play().open(2);
  play.backend.demand();
  play.turn();
  play.disk.records(1, [record('a')], 1);
  play.turn();
  play.put('b');
  play.putRefusable('publisher', 'c');
  play.backend.empty(play.done('emptied'));
  const { depth } = play.backend;
  play.put('d');

  const requests = play.turn();
  play.disk.emptied(1);
  play.disk.appendedOk(1, 1);
  play.turn();

  assert.deepStrictEqual([depth, requests], [0, ['EMPTY_QUEUE 1', 'APPEND 1 d']]);
  assert.deepStrictEqual(
    [play.log, play.backend.depth],
    [['readable', 'readable', 'publisher: null', 'emptied: null', 'readable'], 1],
  );
});

test('DiskBackend: records that were on their way when the queue was emptied are dropped', () => {
  const play = new Play().open(2);
  play.backend.demand();
  play.turn();
  play.backend.empty(play.done('emptied'));
  play.turn();
  play.disk.records(1, [record('a')], 1);
  play.disk.emptied(1, 'unlink: EIO');
  play.turn();

  assert.deepStrictEqual([play.takeReadAhead(), play.backend.depth], [[], 0]);
  assert.equal(play.log.at(-1), 'emptied: unlink: EIO');
});

test('DiskBackend: a write that fails after the queue was emptied is not tried again', () => {
  const play = new Play().open();
  const position = play.put('a');
  play.turn();
  play.backend.empty(play.done('emptied'));
  play.turn();
  play.disk.appendFailed(1, 'EIO');
  play.disk.emptied(1);
  play.turn();
  play.nowMs = 5000;

  assert.deepStrictEqual([play.turn(), play.backend.depth], [[], 0]);
  assert.throws(() => play.store.release(position, 1), /released once for each reference/);
});

test('DiskBackend: closes once everything is on disk, and releases what was taken before', () => {
  const play = new Play().open(2);
  play.backend.demand();
  play.turn();
  play.disk.records(1, [record('a'), record('b')], 0);
  play.turn();
  const { position } = play.backend.readAhead;
  play.backend.take(1);
  play.store.release(position, 1);
  play.backend.releaseTaken(1);
  play.put('c');
  play.backend.close(play.done('closed'));

  const first = play.turn();
  play.disk.appendFailed(1, 'disk full');
  const failed = play.turn();
  play.nowMs = 1000;
  const again = play.turn();
  play.disk.appendedOk(1, 1);
  const close = play.turn();
  play.disk.closed(1);
  play.turn();

  assert.deepStrictEqual(
    [first, failed, again, close],
    [['APPEND 1 c', 'RELEASE 1 1'], [], ['APPEND 1 c'], ['CLOSE 1']],
  );
  assert.deepStrictEqual(play.log.slice(-2), ['ended', 'closed: null']);
});

test('DiskBackend: refused messages do not keep a queue from closing', () => {
  const play = new Play().open();
  play.putRefusable('publisher', 'a');
  play.backend.close(play.done('closed'));
  play.turn();
  play.disk.appendFailed(1, 'disk full');

  const close = play.turn();
  play.disk.closed(1, 'sync: EIO');
  play.turn();

  assert.deepStrictEqual(close, ['CLOSE 1']);
  assert.deepStrictEqual(play.log, [
    'health disk full',
    'publisher: disk full',
    'health null',
    'ended',
    'closed: sync: EIO',
  ]);
});

test('DiskBackend: is deleted at once, with what it holds', () => {
  const play = new Play().open(1);
  const position = play.put('a');
  play.backend.delete(play.done('deleted'));

  const requests = play.turn();
  play.disk.deleted(1);
  play.turn();

  assert.deepStrictEqual(requests, ['DELETE 1']);
  assert.deepStrictEqual(play.log, ['ended', 'deleted: null']);
  assert.throws(() => play.store.release(position, 1), /released once for each reference/);
});

test('DiskBackend: asks for nothing more after DELETE, whatever fails or is released meanwhile', () => {
  const play = new Play().open(1);
  const position = play.put('a');
  play.backend.demand();
  play.turn();
  play.backend.delete(play.done('deleted'));
  const requests = [play.turn()];
  play.disk.appendFailed(1, 'EIO', 1);
  play.disk.readFailed(1, 'EIO', 1);
  requests.push(play.turn());
  play.backend.releaseTaken(1);
  play.nowMs = 5000;
  requests.push(play.turn());
  play.disk.deleted(1);
  requests.push(play.turn());

  assert.deepStrictEqual(requests, [['DELETE 1'], [], [], []]);
  assert.throws(() => play.store.release(position, 1), /released once for each reference/);
});

test('DiskBackend: messages wait in order while the append ring is full, and none is lost', () => {
  const play = new Play(64 * 1024).open();
  const bodies = Array.from({ length: 100 }, (_, i) => `message ${i} ${'x'.repeat(3000)}`);
  for (const body of bodies) play.put(body);
  const congested: boolean[] = [];

  for (let turn = 0; turn < 40; turn++) {
    play.link.flush(0);
    congested.push(play.link.isCongested);
    for (const request of play.disk.take(1)) {
      assert.match(request, /^APPEND 1 /);
      play.disk.appendedOk(1, play.disk.appended.length);
    }
    play.link.poll(0);
  }

  assert.deepStrictEqual([congested[0], congested.at(-1)], [true, false]);
  assert.deepStrictEqual(
    play.disk.appended.map(({ body }) => body),
    bodies,
  );
  assert.deepStrictEqual([play.backend.depth, play.backend.isSettled], [100, true]);
});
