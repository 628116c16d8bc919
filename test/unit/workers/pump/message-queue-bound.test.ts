import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageQueue } from '../../../../src/workers/pump/message-queue.ts';
import { MessageStore } from '../../../../src/workers/pump/store/message-store.ts';
import type { DepthBound } from '../../../../src/workers/pump/topic-bound.ts';
import { bodiesIn, ListBackend, putInStore, undeliveredOf } from '../../../support/pump-parts.ts';

const RECORD_HEADER_BYTES = 30;

/** A queue of messages that are a second apart, over a disk that the test reads. */
class Play {
  readonly store = new MessageStore();
  readonly backend = new ListBackend(this.store);
  readonly queue: MessageQueue;
  #seconds = 0;

  constructor(bound: Partial<DepthBound>, memoryMax = 1000) {
    this.queue = new MessageQueue({
      undelivered: undeliveredOf(this.store),
      title: 'topic "t"',
      store: this.store,
      backend: this.backend,
      memoryMax,
      bound: {
        maxDepth: Number.POSITIVE_INFINITY,
        maxBytes: Number.POSITIVE_INFINITY,
        dropsOldest: true,
        ...bound,
      },
    });
  }

  put(...bodies: readonly string[]): void {
    const timestampNs = BigInt(++this.#seconds) * 1_000_000_000n;
    this.queue.put(putInStore(this.store, bodies, timestampNs), bodies.length, 0, 0, 0, null);
  }

  /** Has everything read that is on disk. */
  read(): void {
    this.backend.read();
    this.queue.trim();
  }

  /** Takes everything. Returns the bodies. */
  take(): string[] {
    const bodies: string[] = [];
    this.read();
    while (this.queue.look()) {
      const { position } = this.queue;
      bodies.push(...bodiesIn(this.store, position, 1));
      this.queue.take(1);
      this.queue.drop(position, 1);
    }
    return bodies;
  }
}

test('MessageQueue: whoever puts is told of a bound that has been reached, and nothing is dropped', () => {
  const play = new Play({ maxDepth: 3, dropsOldest: false }, 1);
  play.put('a', 'b');

  const refusals = [play.queue.refusalOf(1, 0), play.queue.refusalOf(2, 0)];
  play.put('c', 'd');

  assert.deepStrictEqual(refusals, [null, 'topic "t" is full, --max-depth=3']);
  assert.deepStrictEqual([play.queue.depth, play.queue.droppedCount], [4, 0]);
});

test('MessageQueue: bytes count with headers, in memory and on disk', () => {
  const play = new Play({ maxBytes: 200, dropsOldest: false }, 1);
  play.put('x'.repeat(20), 'y'.repeat(50));
  const steps = [play.queue.refusalOf(1, 70), play.queue.refusalOf(1, 71)];
  play.take();
  steps.push(play.queue.refusalOf(1, 200), play.queue.refusalOf(1, 201));

  const full = 'topic "t" is full, --max-bytes=200';
  assert.deepStrictEqual(steps, [null, full, null, full]);
});

test('MessageQueue: nobody is refused where the oldest give way', () => {
  const play = new Play({ maxDepth: 1, maxBytes: 1 });

  assert.equal(play.queue.refusalOf(100, 10_000), null);
});

test('MessageQueue: the oldest in memory make room', () => {
  const play = new Play({ maxDepth: 3 });
  play.put('a', 'b');
  play.put('c', 'd', 'e');

  assert.deepStrictEqual([play.queue.depth, play.queue.droppedCount], [3, 2]);
  assert.deepStrictEqual([play.take(), play.store.referenceCount], [['c', 'd', 'e'], 0]);
});

test('MessageQueue: the oldest make room wherever they are, and their records are finished', () => {
  const play = new Play({ maxDepth: 4 }, 2);
  for (const body of 'abcdefgh') play.put(body);
  play.read();
  for (const body of 'ij') play.put(body);

  const kept = play.take();

  assert.deepStrictEqual([kept, play.queue.droppedCount], [['g', 'h', 'i', 'j'], 6]);
  assert.deepStrictEqual(
    play.backend.log.filter((what) => what !== 'demand'),
    Array.from({ length: 8 }, (_, number) => `finish ${number}`),
  );
  assert.equal(play.store.referenceCount, 0);
});

test('MessageQueue: where the oldest give way, memory takes nothing that is younger than what is on disk', () => {
  const play = new Play({ maxDepth: 6 }, 2);
  play.put('a', 'b', 'c', 'd');
  play.put('e', 'f', 'g', 'h');
  const counts = [play.queue.memoryCount, play.queue.depth];
  play.put('i');
  play.read();

  assert.deepStrictEqual(
    [counts, play.take()],
    [
      [0, 6],
      ['d', 'e', 'f', 'g', 'h', 'i'],
    ],
  );
});

test('MessageQueue: what is on disk is read to be dropped, and there is more until then', () => {
  const play = new Play({ maxDepth: 2 }, 0);
  play.put('a', 'b', 'c');
  const before = [play.queue.depth, play.queue.droppedCount];
  const { log } = play.backend;
  const asked = [...log];
  play.read();

  assert.deepStrictEqual([before, asked], [[3, 0], ['demand']]);
  assert.deepStrictEqual([play.queue.droppedCount, play.take()], [1, ['b', 'c']]);
});

test('MessageQueue: as many are dropped as the bytes of the new ones take', () => {
  const play = new Play({ maxBytes: 4 * RECORD_HEADER_BYTES + 40 });
  play.put('a'.repeat(10), 'b'.repeat(10), 'c'.repeat(10), 'd'.repeat(10));
  const before = play.queue.droppedCount;
  play.put('e'.repeat(30));

  const kept = play.take().map((body) => body.charAt(0));

  assert.deepStrictEqual([before, play.queue.droppedCount, kept], [0, 2, ['c', 'd', 'e']]);
});

test('MessageQueue: a message that is larger than the bound is dropped itself', () => {
  const play = new Play({ maxBytes: 100 });
  play.put('small');
  play.put('x'.repeat(200));

  assert.deepStrictEqual([play.queue.depth, play.queue.droppedCount], [0, 2]);
  assert.equal(play.store.referenceCount, 0);
});

test('MessageQueue: bytes are counted right through every way in and out', () => {
  const play = new Play({ maxBytes: 1_000, dropsOldest: false }, 2);
  const refusedFrom = (): number => {
    let bytes = 0;
    while (play.queue.refusalOf(0, bytes + 1) === null) bytes++;
    return bytes;
  };
  const steps: number[] = [];
  play.put('a'.repeat(70), 'b'.repeat(70), 'c'.repeat(70));
  steps.push(refusedFrom());
  play.read();
  play.queue.look();
  const { position } = play.queue;
  play.queue.take(1);
  steps.push(refusedFrom());
  play.queue.putInMemory(position, 1, 1);
  steps.push(refusedFrom());
  play.queue.empty(() => undefined);
  steps.push(refusedFrom());

  assert.deepStrictEqual(steps, [700, 800, 700, 1000]);
  assert.equal(play.store.referenceCount, 0);
});
