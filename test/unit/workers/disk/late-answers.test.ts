import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommitOutcome } from '../../../../src/workers/disk/journal/group-commit.ts';
import type { KnownQueue } from '../../../../src/workers/disk/known-queues.ts';
import { ClosingQueues, CommitAnswers } from '../../../../src/workers/disk/late-answers.ts';
import type { PumpLink } from '../../../../src/workers/disk/pump-link.ts';

/** A link to a pump with room for some answers; what it was sent is in `sent`. */
function makeLink(room = Number.POSITIVE_INFINITY) {
  const link = {
    room,
    sent: [] as string[],
    claimAnswer: (): boolean => link.room > 0,
    answer: (_type: number, number: number, _queue: unknown, error: string | undefined): void => {
      link.room--;
      link.sent.push(`closed ${number} ${error ?? 'ok'}`);
    },
    answerCommitted: (count: number, error: string | undefined): void => {
      link.room--;
      link.sent.push(`committed ${count} ${error ?? 'ok'}`);
    },
  };
  return link;
}

type Link = ReturnType<typeof makeLink>;

/** A queue whose states are closed as `tells` says. */
function queueOn(link: Link, number: number, close: (states: string) => void = () => undefined) {
  const queue = {
    // biome-ignore lint/correctness/useYield: nothing is shared with other queues
    *closeSteps(states: string): Generator<never, void> {
      close(states);
    },
  };
  return { link: link as unknown as PumpLink, number, queue } as unknown as KnownQueue;
}

/** The thread's part, as lines. */
function makeClosing(mayAnswer = () => true): { closing: ClosingQueues; log: string[] } {
  const log: string[] = [];
  const closing = new ClosingQueues({
    mayAnswer,
    onClosed: ({ number }) => log.push(`closed ${number}`),
    onAnswered: ({ number }) => log.push(`answered ${number}`),
    onStillOpen: ({ number }) => log.push(`open ${number}`),
  });
  return { closing, log };
}

test('ClosingQueues: closes sixteen in a turn, and answers each', () => {
  const link = makeLink();
  const { closing } = makeClosing();
  for (let number = 1; number <= 17; number++) closing.add(queueOn(link, number));

  assert.equal(closing.step(0), 16);
  assert.equal(link.sent.length, 16);
  assert.equal(closing.isClosing(link as unknown as PumpLink), true);
  assert.deepStrictEqual([closing.step(0), closing.step(0)], [1, 0]);
  assert.equal(link.sent.at(-1), 'closed 17 ok');
  assert.equal(closing.isClosing(link as unknown as PumpLink), false);
});

test('ClosingQueues: an answer waits for room, and for what must be answered before', () => {
  const link = makeLink(1);
  let mayAnswer = false;
  const { closing, log } = makeClosing(() => mayAnswer);
  closing.add(queueOn(link, 1));
  closing.add(queueOn(link, 2));
  closing.step(0);
  assert.deepStrictEqual([link.sent, log], [[], ['closed 1', 'closed 2']]);

  mayAnswer = true;
  closing.step(0);
  assert.deepStrictEqual(link.sent, ['closed 1 ok']);
  link.room = 1;
  closing.step(0);
  assert.deepStrictEqual(link.sent, ['closed 1 ok', 'closed 2 ok']);
  assert.deepStrictEqual(log.slice(2), ['answered 1', 'answered 2']);
});

test('ClosingQueues: a queue that cannot be closed stays open, and the others are closed', () => {
  const link = makeLink();
  const { closing, log } = makeClosing();
  const fail = (): never => {
    throw new Error('disk is full');
  };
  closing.add(queueOn(link, 1, fail));
  closing.add(queueOn(link, 2));
  closing.step(0);

  assert.deepStrictEqual(link.sent, ['closed 1 disk is full', 'closed 2 ok']);
  assert.deepStrictEqual(log, ['closed 2', 'open 1', 'answered 2']);
});

test('ClosingQueues: after twenty seconds a queue is closed without its states', () => {
  const link = makeLink();
  const { closing } = makeClosing();
  const asked: string[] = [];
  const known = queueOn(link, 1, (states) => {
    asked.push(states);
    if (states === 'required') throw new Error('no states');
  });
  for (const nowMs of [0, 19_999, 20_000]) {
    closing.add(known);
    closing.step(nowMs);
  }

  assert.deepStrictEqual(asked, ['required', 'required', 'optional']);
  assert.equal(link.sent.at(-1), 'closed 1 ok');
});

test('ClosingQueues: only the pump whose queues are closed has to wait', () => {
  const [link, other] = [makeLink(0), makeLink()];
  const { closing } = makeClosing();
  closing.add(queueOn(link, 1));
  closing.step(0);

  assert.equal(closing.isClosing(link as unknown as PumpLink), true);
  assert.equal(closing.isClosing(other as unknown as PumpLink), false);
});

function outcome(link: Link, count: number, error?: string): CommitOutcome<KnownQueue> {
  return { known: queueOn(link, 1), count, error } as CommitOutcome<KnownQueue>;
}

test('CommitAnswers: outcomes that follow each other with the same result are one answer', () => {
  const link = makeLink();
  new CommitAnswers().tell([
    outcome(link, 2),
    outcome(link, 3),
    outcome(link, 4, 'EIO'),
    outcome(link, 1),
  ]);

  assert.deepStrictEqual(link.sent, ['committed 5 ok', 'committed 4 EIO', 'committed 1 ok']);
});

test('CommitAnswers: what has no room waits, in order, for its pump alone', () => {
  const [full, other] = [makeLink(1), makeLink()];
  const answers = new CommitAnswers();
  answers.tell([outcome(full, 1), outcome(full, 2, 'EIO'), outcome(other, 3)]);
  assert.deepStrictEqual([full.sent, other.sent], [['committed 1 ok'], ['committed 3 ok']]);
  assert.equal(answers.isWaiting(full as unknown as PumpLink), true);
  assert.equal(answers.isWaiting(other as unknown as PumpLink), false);

  full.room = 5;
  answers.tell([outcome(full, 7)]);
  assert.deepStrictEqual(full.sent.slice(1), ['committed 2 EIO', 'committed 7 ok']);
  assert.equal(answers.isWaiting(full as unknown as PumpLink), false);
});
