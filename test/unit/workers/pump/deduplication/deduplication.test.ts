import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipt } from '../../../../../src/workers/pump/backend/append-lane.ts';
import {
  Deduplication,
  SEEN_MAX,
} from '../../../../../src/workers/pump/deduplication/deduplication.ts';
import { WallClock } from '../../../../../src/workers/pump/wall-clock.ts';
import { publishedBytes } from '../../../../support/message-bytes.ts';

const WINDOW_MS = 1000;
const UNIX_MS = 1_700_000_000_000;

/** A topic that keeps what is new, and whose writes the test settles. */
class Play {
  readonly deduplication: Deduplication;
  nowMs = 0;
  readonly kept: string[] = [];
  /** Writes under way. */
  readonly writes: { receipt: Receipt; count: number }[] = [];
  /** Answers to publishers, in order. */
  readonly answers: string[] = [];

  /** `unixMs`: wall clock time at monotonic time 0. */
  constructor(key = 'body', unixMs = UNIX_MS) {
    const wallClock = new WallClock(
      () => unixMs + this.nowMs,
      () => this.nowMs,
    );
    this.deduplication = new Deduplication(WINDOW_MS, key, wallClock);
  }

  publish(bodies: readonly string[], name?: string): void {
    const bytes = publishedBytes(bodies);
    const receipt =
      name === undefined
        ? null
        : new Receipt(true, ({ error }) => void this.answers.push(`${name} ${error ?? 'OK'}`));
    const publication = {
      ...{ bytes, at: 0, count: bodies.length, deferMs: 0, isToDisk: false },
      ...{ timestampHigh: 0, timestampLow: 0 },
    };
    this.deduplication.publish(publication, this.nowMs, receipt, (run, own) => {
      let { at } = run;
      for (let i = 0; i < run.count; i++) {
        const size = bytes.readUInt32BE(at);
        this.kept.push(bytes.toString('latin1', at + 4, at + 4 + size));
        at += 4 + size;
      }
      if (own === null) return;
      own.expect(run.count);
      this.writes.push({ receipt: own, count: run.count });
    });
    receipt?.seal();
  }

  settle(error: string | null): void {
    const write = this.writes.shift();
    assert(write !== undefined);
    write.receipt.settle(write.count, error);
  }
}

test('Deduplication: the same body is kept once within the window, and again after it', () => {
  const play = new Play();
  play.publish(['a', 'b']);
  play.nowMs = 999;
  play.publish(['a']);
  play.nowMs = 1000;
  play.publish(['a', 'b']);

  assert.deepEqual(play.kept, ['a', 'b', 'a', 'b']);
  assert.equal(play.deduplication.droppedCount, 1);
});

test('Deduplication: a dropped message does not prolong the window of the first', () => {
  const play = new Play();
  for (const nowMs of [0, 900, 1100]) {
    play.nowMs = nowMs;
    play.publish(['a']);
  }

  assert.deepEqual(play.kept, ['a', 'a']);
});

test('Deduplication: duplicates within one publish are dropped, the others keep their order', () => {
  const play = new Play();
  play.publish(['a', 'b', 'a', 'c', 'c', 'd']);

  assert.deepEqual(play.kept, ['a', 'b', 'c', 'd']);
});

test('Deduplication: a duplicate is answered with the first, not before', () => {
  const play = new Play();
  play.publish(['a'], 'first');
  play.publish(['a'], 'second');
  const before = [...play.answers];
  play.settle(null);
  play.publish(['a'], 'third');

  assert.deepEqual(before, []);
  assert.deepEqual(play.answers, ['second OK', 'first OK', 'third OK']);
  assert.deepEqual(play.kept, ['a']);
});

test('Deduplication: a message whose write fails was never there, for nobody', () => {
  const play = new Play();
  play.publish(['a', 'b'], 'first');
  play.publish(['b'], 'second');
  play.settle('no space');
  play.publish(['a', 'b'], 'again');
  play.settle(null);

  assert.deepEqual(play.answers, ['second no space', 'first no space', 'again OK']);
  assert.deepEqual(play.kept, ['a', 'b', 'a', 'b']);
});

test('Deduplication: by a field of JSON, which must be there and a plain value', () => {
  const play = new Play('json:id');
  play.publish([
    '{"id":7,"at":1}',
    '{"at":2,"id":7}',
    '{"id":"7"}',
    '{"id":9007199254740993}',
    '{"id":9007199254740992}',
    '{"id":{"a":1},"x":1}',
    '{"id":{"a":1},"x":2}',
    '{"__proto__":1}',
    'no JSON',
    'no JSON',
    'null',
  ]);

  assert.deepEqual(play.kept, [
    '{"id":7,"at":1}',
    '{"id":"7"}',
    '{"id":9007199254740993}',
    '{"id":9007199254740992}',
    '{"id":{"a":1},"x":1}',
    '{"id":{"a":1},"x":2}',
    '{"__proto__":1}',
    'no JSON',
    'null',
  ]);
});

test('Deduplication: by the first bytes', () => {
  const play = new Play('prefix:3');
  play.publish(['abc1', 'abc2', 'ab', 'ab', 'abd']);

  assert.deepEqual(play.kept, ['abc1', 'ab', 'abd']);
});

test('Deduplication: at the bound the oldest are forgotten', () => {
  const play = new Play();
  for (let from = 0; from < SEEN_MAX + 1; from += 1000) {
    const count = Math.min(1000, SEEN_MAX + 1 - from);
    play.publish(Array.from({ length: count }, (_, i) => String(from + i)));
  }
  play.publish(['0', '2']);

  assert.equal(play.deduplication.size, SEEN_MAX);
  assert.equal(play.kept.at(-1), '0');
});

test('Deduplication: what was seen survives a restart with another monotonic time', () => {
  const play = new Play();
  play.publish(['old']);
  play.nowMs = 600;
  play.publish(['young']);
  const saved = play.deduplication.save(play.nowMs);
  // It begins 450 ms later, at another monotonic time.
  const later = new Play('body', UNIX_MS + 1000);
  later.nowMs = 50;
  later.deduplication.restore(saved);
  later.publish(['old', 'young']);

  assert.deepEqual(later.kept, ['old']);
});

test('Deduplication: another window holds at once, another key begins again', () => {
  const play = new Play();
  play.publish(['a']);
  play.nowMs = 200;
  play.deduplication.setPolicy(100, 'body');
  play.publish(['a']);
  play.deduplication.setPolicy(100, 'prefix:1');
  play.publish(['a']);

  assert.deepEqual(play.kept, ['a', 'a', 'a']);
});
