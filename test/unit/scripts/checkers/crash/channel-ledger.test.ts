import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Action,
  ChannelLedger,
  type Entry,
} from '../../../../../scripts/checkers/crash/channel-ledger.ts';
import { Publications } from '../../../../../scripts/checkers/crash/publications.ts';
import { Violations } from '../../../../../scripts/checkers/crash/violations.ts';

const SETTLE_MS = 500;

/** A ledger of one channel, with a message that was published at 0 and acknowledged. */
class Bench {
  readonly publications = new Publications();
  readonly violations = new Violations();
  readonly ledger = new ChannelLedger(
    {
      name: 'channel',
      topic: 'topic',
      publications: this.publications,
      violations: this.violations,
      firstNumber: 0,
      settleMs: () => SETTLE_MS,
      startMs: 0,
    },
    0,
  );

  constructor({ dueMs = 0, isAcknowledged = true } = {}) {
    this.publications.send({ number: 0, topic: 'topic', size: 10, dueMs, kills: 0 });
    if (isAcknowledged) this.publications.acknowledge([0]);
  }

  /** The message comes. */
  deliver(attempts: number, nowMs: number): Entry {
    const publication = this.publications.get(0);
    assert.ok(publication !== undefined);
    return this.ledger.deliver(publication, attempts, nowMs);
  }

  /** The rules that were broken. */
  get broken(): string[] {
    return [...this.violations.counts.keys()];
  }
}

function confirm(action: Action, nowMs: number): void {
  action.confirmedMs = nowMs;
}

test('ChannelLedger: what is delivered and finished is in order', () => {
  const bench = new Bench();

  bench.ledger.finish(bench.deliver(1, 10), 11);
  bench.ledger.checkEnd();

  assert.deepEqual(bench.broken, []);
});

test('ChannelLedger: what was acknowledged and never came is lost', () => {
  const bench = new Bench();

  bench.ledger.checkEnd();

  assert.deepEqual(bench.violations.texts, [
    'lost: topic/channel: it never came: message 0 of "topic" (10 bytes, acknowledged): ',
  ]);
});

test('ChannelLedger: what came, was not finished and came no more is lost', () => {
  const bench = new Bench();

  bench.deliver(1, 10);
  bench.ledger.kill(20);
  bench.ledger.checkEnd();

  assert.deepEqual(bench.broken, ['lost']);
});

test('ChannelLedger: what was not acknowledged, or is excused, may be lost', () => {
  const refused = new Bench({ isAcknowledged: false });
  const excused = new Bench();
  excused.publications.excuseAll();

  refused.ledger.checkEnd();
  excused.ledger.checkEnd();

  assert.deepEqual([...refused.broken, ...excused.broken], []);
});

test('ChannelLedger: what is held or finished must not come again in the same life', () => {
  const held = new Bench();
  const finished = new Bench();

  held.deliver(1, 10);
  held.deliver(2, 20);
  finished.ledger.finish(finished.deliver(1, 10), 11);
  finished.deliver(2, 20);

  assert.deepEqual(
    [held.broken, finished.broken],
    [['in flight twice'], ['redelivered after finish']],
  );
});

test('ChannelLedger: a finish that was confirmed long before a kill holds, a later one need not', () => {
  const early = new Bench();
  const late = new Bench();

  for (const [bench, confirmedMs] of [
    [early, 100],
    [late, 101],
  ] as const) {
    confirm(bench.ledger.finish(bench.deliver(1, 10), 11), confirmedMs);
    bench.ledger.kill(100 + SETTLE_MS);
    bench.deliver(2, 700);
  }

  assert.deepEqual([early.broken, late.broken], [['redelivered after finish'], []]);
});

test('ChannelLedger: over a clean shutdown every confirmed finish holds', () => {
  const confirmed = new Bench();
  const unconfirmed = new Bench();

  confirm(confirmed.ledger.finish(confirmed.deliver(1, 10), 11), 12);
  unconfirmed.ledger.finish(unconfirmed.deliver(1, 10), 11);
  for (const bench of [confirmed, unconfirmed]) {
    bench.ledger.stop(13);
    bench.deliver(2, 100);
  }

  assert.deepEqual([confirmed.broken, unconfirmed.broken], [['redelivered after finish'], []]);
});

test('ChannelLedger: a deferred publish must not come early, over a kill neither', () => {
  const bench = new Bench({ dueMs: 1000 });
  const killed = new Bench({ dueMs: 1000 });
  const punctual = new Bench({ dueMs: 1000 });

  bench.deliver(1, 990);
  killed.ledger.kill(100);
  killed.deliver(1, 990);
  punctual.deliver(1, 1000);

  assert.deepEqual(
    [bench.broken, killed.broken, punctual.broken],
    [['too early'], ['too early'], []],
  );
});

test('ChannelLedger: a deferred publish that was not acknowledged before a kill may come early', () => {
  const bench = new Bench({ dueMs: 1000, isAcknowledged: false });

  bench.ledger.kill(100);
  bench.deliver(1, 200);

  assert.deepEqual(bench.broken, []);
});

for (const [what, end] of [
  ['a kill', (bench: Bench) => bench.ledger.kill(1000)],
  ['a clean shutdown', (bench: Bench) => bench.ledger.stop(1000)],
] as const) {
  test(`ChannelLedger: a requeue with a delay keeps due time and attempts over ${what}`, () => {
    const early = new Bench();
    const fewer = new Bench();
    const right = new Bench();
    for (const bench of [early, fewer, right]) {
      confirm(bench.ledger.requeue(bench.deliver(3, 10), 5000, 11), 12);
      end(bench);
    }

    early.deliver(4, 2000);
    fewer.deliver(1, 5011);
    right.deliver(4, 5011);

    assert.deepEqual(
      [early.broken, fewer.broken, right.broken],
      [['too early'], ['attempts decrease'], []],
    );
  });
}

test('ChannelLedger: a requeue that a kill has met may be forgotten', () => {
  const bench = new Bench();

  confirm(bench.ledger.requeue(bench.deliver(3, 10), 5000, 11), 12);
  bench.ledger.kill(20);
  bench.deliver(1, 30);

  assert.deepEqual(bench.broken, []);
});

test('ChannelLedger: a requeue that was confirmed too late for one kill is not safe from the next', () => {
  // Shortly before the first kill; after it, when the answer was still on its way or another broker lived on; never.
  const broken = [999, 2000, Number.POSITIVE_INFINITY].map((confirmedMs) => {
    const bench = new Bench();
    const action = bench.ledger.requeue(bench.deliver(1, 10), 100, 900);
    if (confirmedMs < 1000) confirm(action, confirmedMs);
    bench.ledger.kill(1000);
    confirm(action, confirmedMs);
    bench.ledger.kill(5000);
    bench.deliver(1, 6000);
    return bench.broken;
  });

  assert.deepEqual(broken, [[], [], []]);
});

test('ChannelLedger: what a kill has met may come twice, until the channel was seen empty', () => {
  const bench = new Bench();
  bench.deliver(1, 10);
  bench.ledger.kill(20);

  bench.ledger.finish(bench.deliver(1, 30), 31);
  bench.ledger.finish(bench.deliver(1, 32), 33);
  const before = bench.broken;
  bench.ledger.drained();
  bench.deliver(2, 40);

  assert.deepEqual([before, bench.broken], [[], ['redelivered after finish']]);
});

test('ChannelLedger: a refusal is in order only where there may be two copies', () => {
  const single = new Bench();
  const double = new Bench();
  double.deliver(1, 5);
  double.ledger.kill(6);

  for (const bench of [single, double]) {
    const entry = bench.deliver(1, 10);
    bench.ledger.refuse(entry, 'E_FIN_FAILED', bench.ledger.finish(entry, 11));
  }

  assert.deepEqual([single.broken, double.broken], [['refused'], []]);
});

test('ChannelLedger: attempts that a kill may have forgotten are not expected after the next clean shutdown', () => {
  const bench = new Bench();

  bench.deliver(3, 10);
  bench.ledger.kill(20);
  bench.ledger.stop(30);
  bench.deliver(1, 40);

  assert.deepEqual(bench.broken, []);
});
