import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreadCount } from '../../../../../src/workers/disk/unacked/unread-count.ts';
import { freshSeed, type Random, seededRandom } from '../../../../support/seeded-random.ts';

/** A record ahead of the reader: `moved` is a second copy of one that was handed out, and has no bytes of its own. */
type Ahead = { kind: 'live' | 'finished' | 'moved'; size: number; isDeferred: boolean };

/** What lies ahead of the reader, one by one. */
class Model {
  readonly ahead: Ahead[] = [];

  add(count: number, random: Random): { deferred: number; bytes: number } {
    let deferred = 0;
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const record: Ahead = { kind: 'live', size: 30 + random(100), isDeferred: random(3) === 0 };
      if (record.isDeferred) deferred++;
      bytes += record.size;
      this.ahead.push(record);
    }
    return { deferred, bytes };
  }

  figures(): object {
    const live = this.ahead.filter(({ kind }) => kind === 'live');
    const bytes = this.ahead.reduce(
      (sum, { kind, size }) => sum + (kind === 'moved' ? 0 : size),
      0,
    );
    return {
      live: live.length,
      all: this.ahead.length,
      deferred: live.filter(({ isDeferred }) => isDeferred).length,
      bytes: live.length === 0 ? 0 : bytes,
    };
  }
}

function figuresOf({ live, all, deferred, bytes }: UnreadCount): object {
  return { live, all, deferred, bytes };
}

/** The reader takes the next record ahead. */
function read(unread: UnreadCount, model: Model, random: Random): void {
  const record = model.ahead.shift();
  if (record === undefined) return;
  if (record.kind === 'moved') unread.onMovedPassed();
  else if (record.kind === 'finished') unread.onPassed(record.size);
  else if (!record.isDeferred && random(10) === 0) unread.onLost(record.size);
  else unread.onRead(record.size, record.isDeferred);
}

test('UnreadCount: counts what a list of the records ahead has, as long as nothing else is wrong', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let life = 0; life < 50; life++) {
    const model = new Model();
    const first = model.add(random(50), random);
    let finished = 0;
    for (const record of model.ahead) {
      if (record.isDeferred || random(3) > 0) continue;
      record.kind = 'finished';
      finished++;
    }
    const unread = new UnreadCount(model.ahead.length, finished, first.deferred, first.bytes);
    for (let step = 0; step < 200; step++) {
      const kind = random(10);
      if (kind < 2) {
        const count = random(10);
        const { deferred, bytes } = model.add(count, random);
        unread.onAppend(count, deferred, bytes);
      } else if (kind === 2) {
        const count = random(4);
        const moved: Ahead = { kind: 'moved', size: 0, isDeferred: false };
        for (let i = 0; i < count; i++) model.ahead.push({ ...moved });
        unread.onMove(count);
      } else read(unread, model, random);

      assert.deepStrictEqual(figuresOf(unread), model.figures(), `life ${life}, step ${step}`);
    }
  }
});

test('UnreadCount: no count is below zero, whatever states and metadata have claimed', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let life = 0; life < 200; life++) {
    const unread = new UnreadCount(random(5), random(9), random(9), random(300));
    const events: (() => unknown)[] = [
      () => unread.onRead(random(200), random(2) === 0),
      () => unread.onPassed(random(200)),
      () => unread.onLost(random(200)),
      () => unread.onMovedPassed(),
      () => unread.onMovedLost(random(4)),
      () => unread.hasOne(),
      () => unread.recount(random(5), random(300)),
    ];
    for (let step = 0; step < 50; step++) {
      events[random(events.length)]();

      const { live, all, deferred, bytes } = unread;
      const isSound = live >= 0 && all >= live && deferred >= 0 && deferred <= live && bytes >= 0;
      assert.ok(isSound, `life ${life}, step ${step}: ${JSON.stringify(figuresOf(unread))}`);
    }
  }
});

test('UnreadCount: a second copy that is lost leaves the sum to the losses that follow', () => {
  const unread = new UnreadCount(2, 0, 0, 100);
  unread.onMove(1);

  unread.onMovedLost(1);
  for (let lost = 0; lost < 3; lost++) unread.onLost(50);

  assert.deepStrictEqual(figuresOf(unread), { live: 0, all: 0, deferred: 0, bytes: 0 });
});

test('UnreadCount: at the end it says how many too many were thought to be there', () => {
  const unread = new UnreadCount(5, 2, 1, 100);

  const excess = unread.clear();

  assert.deepStrictEqual(
    [excess, figuresOf(unread)],
    [5, { live: 0, all: 0, deferred: 0, bytes: 0 }],
  );
});
