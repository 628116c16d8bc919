import assert from 'node:assert/strict';
import { test } from 'node:test';
import { END, OPENED } from '../../../../../src/workers/disk-records.ts';
import { DiskLink, type LinkedQueue } from '../../../../../src/workers/pump/backend/disk-link.ts';
import { DiskSide } from '../../../../support/disk-side.ts';

/** A queue that records what happens to it, and finds no room while told so. */
class FakeQueue implements LinkedQueue {
  readonly #name: string;
  readonly #log: string[];
  hasRoom = true;

  constructor(name: string, log: string[]) {
    this.#name = name;
    this.#log = log;
  }

  flush(nowMs: number): boolean {
    this.#log.push(`${this.#name} at ${nowMs}`);
    return this.hasRoom;
  }

  onAnswer(type: number): void {
    this.#log.push(`${this.#name} answered ${type}`);
  }
}

type Parts = { disk: DiskSide; link: DiskLink; log: string[]; queues: FakeQueue[] };

function makeLink(...names: readonly string[]): Parts {
  const disk = new DiskSide();
  const log: string[] = [];
  const { requests, replies, bell } = disk.link;
  const link = new DiskLink(requests, replies, bell, (level, text) => log.push(`${level} ${text}`));
  const queues = names.map((name) => new FakeQueue(name, log));
  for (const queue of queues) link.add(queue);
  return { disk, link, log, queues };
}

test('DiskLink: hands each answer to the queue it is for, and log lines to its owner', () => {
  const { disk, link, log } = makeLink('a', 'b');
  disk.opened(2);
  disk.status(4, 'disk on fire');
  disk.opened(1);

  const count = link.poll(5);

  assert.deepStrictEqual(
    [count, log],
    [3, [`b answered ${OPENED}`, '4 disk on fire', `a answered ${OPENED}`]],
  );
});

test('DiskLink: an answer for an unknown queue is a bug', () => {
  const { disk, link } = makeLink('a');
  link.remove(1);
  disk.opened(1);

  assert.throws(() => link.poll(0), /an answer is for a queue that asked/);
});

test('DiskLink: flushes what is due once, in that order', () => {
  const { link, log, queues } = makeLink('a', 'b');
  link.setDue(queues[1]);
  link.setDue(queues[0]);

  link.flush(1);
  link.flush(2);

  assert.deepStrictEqual(log, ['b at 1', 'a at 1']);
});

test('DiskLink: is congested from a queue that finds no room until all have found it, in their order', () => {
  const { link, log, queues } = makeLink('a', 'b', 'c');
  for (const queue of queues) link.setDue(queue);
  queues[1].hasRoom = false;
  const congested: boolean[] = [];

  link.flush(1);
  congested.push(link.isCongested);
  queues[1].hasRoom = true;
  link.flush(2);
  congested.push(link.isCongested);

  assert.deepStrictEqual(log, ['a at 1', 'b at 1', 'b at 2', 'c at 2']);
  assert.deepStrictEqual(congested, [true, false]);
});

test('DiskLink: flushes a queue that tries again at its time, or at the earlier one of two', () => {
  const { link, log, queues } = makeLink('a', 'b');
  link.retryAt(queues[0], 100);
  link.retryAt(queues[0], 300);
  link.retryAt(queues[1], 200);
  const deadlines: number[] = [];

  for (const nowMs of [99, 100, 150, 200, 300]) {
    link.flush(nowMs);
    deadlines.push(link.nextDeadlineMs);
  }

  assert.deepStrictEqual(log, ['a at 100', 'b at 200']);
  assert.deepStrictEqual(deadlines, [100, 200, 200, Infinity, Infinity]);
});

test('DiskLink: a queue that was removed does not try again', () => {
  const { link, log, queues } = makeLink('a');
  link.retryAt(queues[0], 100);
  link.remove(1);

  link.flush(100);

  assert.deepStrictEqual([log, link.nextDeadlineMs], [[], Number.POSITIVE_INFINITY]);
});

test('DiskLink: rings the disk thread once for what was written, and tells it of the end', () => {
  const { disk, link } = makeLink();
  link.flush(0);
  const before = disk.rings;

  const hasEnded = link.end();

  assert.deepStrictEqual([before, hasEnded, disk.rings, disk.take()], [0, true, 1, ['END']]);
});

/** A queue whose flush writes a request. */
function writing(disk: DiskSide): LinkedQueue {
  const { requests } = disk.link;
  return {
    flush: () => {
      requests.claim(0);
      requests.commit(END, 0);
      return true;
    },
    onAnswer: () => undefined,
  };
}

test('DiskLink: rings within 5 ms for requests that nothing waits for, or with the next urgent one', () => {
  const { disk, link } = makeLink();
  const queue = writing(disk);
  const rings: number[] = [];
  const deadlines: number[] = [];
  const flush = (nowMs: number): void => {
    link.flush(nowMs);
    rings.push(disk.rings);
    deadlines.push(link.nextDeadlineMs);
  };
  link.setDueSoon(queue);
  flush(10);
  link.setDueSoon(queue);
  flush(14);
  flush(15);
  link.setDueSoon(queue);
  flush(16);
  link.setDueSoon(queue);
  link.hurry();
  flush(17);
  flush(21);

  assert.deepStrictEqual(rings, [0, 0, 1, 1, 2, 2]);
  assert.deepStrictEqual(deadlines, [15, 15, Infinity, 21, 21, Infinity]);
});

test('DiskLink: does not ring for requests that nothing waits for if they are taken meanwhile', () => {
  const { disk, link } = makeLink();
  link.setDueSoon(writing(disk));
  link.flush(10);
  const taken = disk.take();
  link.flush(12);
  link.flush(15);

  assert.deepStrictEqual([taken, disk.rings, link.nextDeadlineMs], [['END'], 0, Infinity]);
});

test('DiskLink: rings for what it could not write at once, however long that may wait', () => {
  const { disk, link, queues } = makeLink('a', 'b');
  link.setDueSoon(writing(disk));
  link.setDueSoon(queues[0]);
  queues[0].hasRoom = false;
  link.flush(1);

  assert.deepStrictEqual([link.isCongested, disk.rings], [true, 1]);
});

test('DiskLink: rings the disk thread when answers that it had no room for have been taken', () => {
  const { disk, link, log } = makeLink('a');
  let answers = 0;
  // A RECORDS answer that large finds room only in an empty ring.
  assert.throws(() => {
    for (;;) {
      disk.status(2, 'x'.repeat(20_000));
      answers++;
    }
  }, /the reply ring is full/);

  const taken = link.poll(0);

  assert.deepStrictEqual([taken, log.length, disk.rings], [answers, answers, 1]);
});
