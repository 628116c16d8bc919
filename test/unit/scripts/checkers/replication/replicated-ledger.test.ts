// The ledger of replicated topics finds what it is there to find, and excuses only what a loss explains.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bodies } from '../../../../../scripts/checkers/crash/bodies.ts';
import { Publications } from '../../../../../scripts/checkers/crash/publications.ts';
import { Violations } from '../../../../../scripts/checkers/crash/violations.ts';
import { ReplicatedLedger } from '../../../../../scripts/checkers/replication/replicated-ledger.ts';
import { ServiceGaps } from '../../../../../scripts/checkers/replication/service-gaps.ts';

class Run {
  readonly violations = new Violations();
  readonly #bodies = new Bodies();
  readonly #publications = new Publications();
  readonly ledger = new ReplicatedLedger(this.#bodies, this.#publications, this.violations);

  /** A body that was published to `t`, and acknowledged or not. */
  publish(isAcknowledged = true): Buffer {
    const { number, body } = this.#bodies.make(20);
    this.#publications.send({ number, topic: 't', size: body.length, dueMs: 0, kills: 0 });
    if (isAcknowledged) this.#publications.acknowledge([number]);
    return body;
  }

  deliver(body: Buffer, nowMs: number, isFinished = true): void {
    const [number] = this.ledger.deliver('t', 'c', body, nowMs);
    if (isFinished) this.ledger.finish('t', 'c', number, nowMs);
  }

  found(): [string, number][] {
    this.ledger.checkEnd('t', 'c');
    return [...this.violations.counts];
  }
}

test('ReplicatedLedger: what was acknowledged and not finished is lost; what was refused is not', () => {
  const run = new Run();
  run.publish();
  run.publish(false);
  run.deliver(run.publish(), 1);
  run.deliver(run.publish(), 2, false);

  assert.deepEqual([run.ledger.missingCount('t', 'c'), run.found()], [2, [['lost', 2]]]);
});

test('ReplicatedLedger: what was finished may come again if something was lost then, or it was given back', () => {
  const run = new Run();
  const [plain, early, lost, late, back] = [1, 2, 3, 4, 5].map(() => run.publish());
  run.deliver(plain, 10_000);
  run.deliver(plain, 11_000);
  run.deliver(early, 10_000);
  run.deliver(lost, 99_000);
  const isOver = run.ledger.lose(100_000);
  run.deliver(lost, 110_000);
  isOver(120_000);
  run.deliver(early, 121_000);
  run.deliver(late, 141_000);
  run.deliver(late, 142_000);
  const [number] = run.ledger.deliver('t', 'c', back, 150_000);
  run.ledger.giveBack('t', 'c', number, 150_000);
  run.deliver(back, 151_000);

  assert.deepEqual(run.found(), [['redelivered after finish', 3]]);
});

test('ReplicatedLedger: a body that was not published there is foreign', () => {
  const run = new Run();
  run.ledger.deliver('other', 'c', run.publish(false), 1);
  run.ledger.deliver('t', 'c', Buffer.from('what is this?'), 2);

  assert.deepEqual(run.found(), [['unknown body', 2]]);
});

test('ServiceGaps: the longest gap of the place that had it, also one that lasts', () => {
  const gaps = new ServiceGaps();
  gaps.add('a', 0);
  gaps.add('b', 0);
  gaps.add('a', 700);
  gaps.add('b', 100);
  gaps.add('b', 200);

  const first = gaps.take(1000);
  gaps.add('a', 1100);
  gaps.add('b', 1300);
  const second = gaps.take(1350);

  assert.deepEqual(
    [first, second],
    [
      { place: 'b', ms: 800 },
      { place: 'b', ms: 300 },
    ],
  );
});
