import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSE, DELETE, EMPTY_QUEUE } from '../../../../../src/workers/disk-records.ts';
import {
  BackendEnd,
  BackendHealth,
} from '../../../../../src/workers/pump/backend/backend-state.ts';

test('BackendHealth: is well again only when nothing fails any more', () => {
  const told: (string | null)[] = [];
  const health = new BackendHealth((error) => told.push(error));
  health.set('sync', 'no sync');
  health.set('write', 'no write');
  health.set('write', 'no write');
  health.set('write', null);
  health.set('read', null);
  health.set('sync', null);

  assert.deepEqual(told, ['no sync', 'no write', 'no sync', null]);
});

test('BackendHealth: nothing is wrong with a queue that is no more', () => {
  const told: (string | null)[] = [];
  const health = new BackendHealth((error) => told.push(error));
  health.set('read', 'no read');
  health.set('write', 'no write');
  health.clear();
  health.clear();

  assert.deepEqual(told, ['no read', 'no write', null]);
});

type Ended = { end: BackendEnd; log: string[]; setFull: (isFull: boolean) => void };

/** An end over a ring that may be full; the log has requests by name, and callbacks. */
function makeEnd(): Ended {
  const log: string[] = [];
  let isFull = false;
  const names = new Map<number, string>([
    [EMPTY_QUEUE, 'EMPTY_QUEUE'],
    [CLOSE, 'CLOSE'],
    [DELETE, 'DELETE'],
  ]);
  const plain = (type: number): boolean => {
    if (!isFull) log.push(names.get(type) ?? `${type}`);
    return !isFull;
  };
  const setFull = (value: boolean): void => {
    isFull = value;
  };
  return { end: new BackendEnd({ plain }), log, setFull };
}

test('BackendEnd: each emptying is one request and one answer, in order, however often the ring is full', () => {
  const { end, log, setFull } = makeEnd();
  end.empty((error) => log.push(`first ${error}`));
  end.empty((error) => log.push(`second ${error}`));
  setFull(true);
  const whileFull = end.sendEmptyings();
  setFull(false);

  const sent = [end.sendEmptyings(), end.sendEmptyings()];
  end.takeEmptying()?.(null);
  const isEmptying = end.isEmptying;
  end.takeEmptying()?.('a reason');

  assert.deepStrictEqual([whileFull, sent], [false, [true, true]]);
  assert.deepStrictEqual(log, ['EMPTY_QUEUE', 'EMPTY_QUEUE', 'first null', 'second a reason']);
  assert.deepStrictEqual(
    [isEmptying, end.isEmptying, end.takeEmptying()],
    [true, false, undefined],
  );
});

test('BackendEnd: CLOSE waits for what is not written yet, DELETE does not', () => {
  const closing = makeEnd();
  closing.end.close(() => undefined);
  closing.end.send(3);
  const waiting = [...closing.log];
  closing.end.send(0);
  const deleting = makeEnd();
  deleting.end.delete(() => undefined);
  deleting.end.send(3);

  assert.deepStrictEqual([waiting, closing.log, deleting.log], [[], ['CLOSE'], ['DELETE']]);
  assert.ok(closing.end.isSent && deleting.end.isSent);
});

test('BackendEnd: an end that the ring has no room for is not sent', () => {
  const { end, log, setFull } = makeEnd();
  end.delete(() => undefined);
  setFull(true);

  const isDone = end.send(0);

  assert.deepStrictEqual([isDone, end.isSent, end.isEnding, log], [false, false, true, []]);
});

test('BackendEnd: the end tells everybody who still waits, the emptyings first', () => {
  const { end, log } = makeEnd();
  end.empty((error) => log.push(`empty ${error}`));
  end.delete((error) => log.push(`delete ${error}`));

  end.finish('a reason');

  assert.deepStrictEqual(log, ['empty a reason', 'delete a reason']);
  assert.equal(end.isEmptying, false);
});

test('BackendEnd: answers to writes are void behind an emptying or a deletion, not behind a close', () => {
  const [none, emptying, deleting, closing] = [makeEnd(), makeEnd(), makeEnd(), makeEnd()];
  emptying.end.empty(() => undefined);
  deleting.end.delete(() => undefined);
  closing.end.close(() => undefined);

  const dropped = [none, emptying, deleting, closing].map(({ end }) => end.dropsWrites);

  assert.deepStrictEqual(dropped, [false, true, true, false]);
});
