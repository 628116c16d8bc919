import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StallWatch, type WatchedChannel } from '../../../../src/workers/streams/stall-watch.ts';
import type { StreamFigures } from '../../../../src/workers/streams/stream-store.ts';

const STEP_MS = 500;
const REPLICATION = { replicas: 0, retention: { ageMs: 0, bytes: 0 } };
const WAITING: StreamFigures = {
  ...{ unread: 3, taken: 0, messages: 5 },
  ...{ readTo: 2, handed: 2, isFull: false },
};

/** A channel that asks for messages all the time, and attempts to mend it, with their times. */
class Watched {
  readonly attempts: [attempt: number, nowMs: number][] = [];
  readonly warnings: string[] = [];
  stalls = 0;
  nowMs = 0;
  isAsking = true;
  error: Error | null = null;

  readonly #channel: WatchedChannel & { askedMs: number } = {
    name: { topic: 't', channel: 'c', replication: REPLICATION },
    title: 'channel c of topic t',
    askedMs: 0,
  };
  readonly #watch = new StallWatch<WatchedChannel>({
    store: {
      mend: async (_, attempt) => {
        this.attempts.push([attempt, this.nowMs]);
        if (this.error !== null) throw this.error;
        return 'it is mended';
      },
    },
    onStalled: () => {
      this.stalls++;
    },
    warn: (_, text) => void this.warnings.push(text),
  });

  /** Looks at these figures again and again. */
  look(figures: Partial<StreamFigures>, forMs: number, end = 5): void {
    const endMs = this.nowMs + forMs;
    while (this.nowMs < endMs) {
      this.nowMs += STEP_MS;
      if (this.isAsking) this.#channel.askedMs = this.nowMs;
      this.#watch.look(this.#channel, { ...WAITING, ...figures }, end, this.nowMs);
    }
  }
}

test('StallWatch: a channel that hands out nothing for 10 s is mended, then less and less often', async () => {
  const watched = new Watched();
  watched.look({}, 80_000);
  await undefined;

  assert.deepEqual(watched.attempts, [
    [0, 10_500],
    [1, 30_500],
    [2, 70_500],
  ]);
  assert.equal(watched.stalls, 3);
  assert.equal(
    watched.warnings[0],
    'channel c of topic t was stalled with unread messages: it is mended',
  );
});

test('StallWatch: what the store cannot mend is warned of, with the reason', async () => {
  const watched = new Watched();
  watched.error = new Error('no leader');
  watched.look({}, 11_000);
  await undefined;
  await undefined;

  assert.deepEqual(watched.warnings, [
    'channel c of topic t is stalled with unread messages - no leader',
  ]);
});

test('StallWatch: a consumer that says "0 unread" stands still too, if its topic has more', () => {
  const watched = new Watched();
  watched.look({ unread: 0 }, 11_000, 5);

  assert.equal(watched.attempts.length, 1);
});

test('StallWatch: channels that hand out, want nothing, are full or have nothing are left alone', () => {
  const moving = new Watched();
  for (let handed = 0; handed < 10; handed++) moving.look({ handed }, 5000);
  const idle = new Watched();
  idle.isAsking = false;
  idle.look({}, 60_000);
  const full = new Watched();
  full.look({ isFull: true }, 60_000);
  const empty = new Watched();
  empty.look({ unread: 0, readTo: 5 }, 60_000);

  const all = [moving, idle, full, empty];
  assert.deepEqual(
    all.map(({ attempts }) => attempts.length),
    [0, 0, 0, 0],
  );
});

test('StallWatch: time in which the store says nothing does not count', () => {
  const watched = new Watched();
  watched.look({}, 9000);
  watched.nowMs += 60_000;
  watched.look({}, 9500);

  assert.deepEqual(watched.attempts, []);
});
