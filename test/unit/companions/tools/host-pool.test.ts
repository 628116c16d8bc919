import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostPool, type PoolMode } from '../../../../src/companions/tools/host-pool.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const HOSTS = ['a', 'b', 'c'];
const PAUSE_MS = 30_000;

function makePool(mode: PoolMode, hosts: readonly string[] = HOSTS) {
  const clock = new ManualClock();
  const random = seededRandom(7);
  const pool = new HostPool(hosts, mode, clock, () => random(1_000_000) / 1_000_000);
  const takeMany = (count: number): Record<string, number> => {
    const taken: Record<string, number> = {};
    for (let left = count; left > 0; left--) {
      const host = pool.take();
      taken[host] = (taken[host] ?? 0) + 1;
    }
    return taken;
  };
  return { clock, pool, takeMany };
}

for (const mode of ['round-robin', 'hostpool', 'epsilon-greedy'] as const) {
  test(`HostPool: ${mode} gives each destination its share while none has answered`, () => {
    assert.deepStrictEqual(makePool(mode).takeMany(9), { a: 3, b: 3, c: 3 });
  });

  test(`HostPool: ${mode} takes a destination that is named twice as one`, () => {
    assert.deepStrictEqual(makePool(mode, ['a', 'a', 'b']).takeMany(4), { a: 2, b: 2 });
  });
}

test('HostPool: round-robin goes on with a destination that fails', () => {
  const { pool, takeMany } = makePool('round-robin');
  pool.fail('a');

  assert.deepStrictEqual(takeMany(6), { a: 2, b: 2, c: 2 });
});

test('HostPool: a destination that failed gets one message after its pause, then all if it succeeds', () => {
  const { pool, clock, takeMany } = makePool('hostpool');
  pool.fail('a');
  const during = takeMany(6);
  clock.advance(PAUSE_MS);
  const tried = takeMany(6);
  pool.succeed('a', 5);
  const after = takeMany(6);

  assert.deepStrictEqual(during, { b: 3, c: 3 });
  assert.equal(tried['a'], 1);
  assert.deepStrictEqual(after, { a: 2, b: 2, c: 2 });
});

test('HostPool: each further failure doubles the pause, up to 15 minutes', () => {
  const { pool, clock, takeMany } = makePool('hostpool');
  const pauses: number[] = [];
  pool.fail('a');
  for (let failure = 0; failure < 7; failure++) {
    let pauseMs = 0;
    // the message that tries it fails again
    while (takeMany(3)['a'] === undefined) {
      clock.advance(PAUSE_MS);
      pauseMs += PAUSE_MS;
    }
    pauses.push(pauseMs / 1000);
  }

  assert.deepStrictEqual(pauses, [30, 60, 120, 240, 480, 900, 900]);
});

test('HostPool: while all are left out, all are tried', () => {
  const { pool, takeMany } = makePool('hostpool');
  for (const host of HOSTS) pool.fail(host);

  assert.deepStrictEqual(takeMany(6), { a: 2, b: 2, c: 2 });
});

test('HostPool: epsilon-greedy prefers the fast destination, and still tries the others', () => {
  const { pool, clock, takeMany } = makePool('epsilon-greedy');
  pool.succeed('a', 2);
  pool.succeed('b', 200);
  pool.succeed('c', 200);
  clock.advance(60_000);

  const { a, b, c } = takeMany(3000);

  assert.ok(a > 2700 && b > 0 && c > 0, `${a} ${b} ${c}`);
});

test('HostPool: a destination that becomes slow loses its preference', () => {
  const { pool, takeMany } = makePool('epsilon-greedy', ['a', 'b']);
  pool.succeed('a', 2);
  pool.succeed('b', 50);
  for (let answer = 0; answer < 60; answer++) pool.succeed('a', 5000);

  const { a, b } = takeMany(1000);

  assert.ok(b > 2 * a, `${a} ${b}`);
});

test('HostPool: epsilon-greedy explores less as time goes by', () => {
  const clock = new ManualClock();
  // Drawn in turn: whether to explore, then which one.
  const draws = [0.29, 0.31, 0.5, 0.31, 0.99, 0.05, 0.05, 0.5];
  const pool = new HostPool(['a', 'b'], 'epsilon-greedy', clock, () => draws.shift() ?? 0);
  pool.succeed('a', 9);
  pool.succeed('b', 0);

  const explored = pool.take();
  const greedy = pool.take();
  const unlikely = pool.take();
  const late = pool.take();
  clock.advance(600_000);

  assert.deepEqual([explored, greedy, unlikely, late, pool.take()], ['b', 'b', 'b', 'a', 'b']);
  assert.deepEqual(draws, []);
});
