import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskSurvey, DiskSurveyResult } from '../../../../src/shared/message-survey.ts';
import type { DiskQueue } from '../../../../src/workers/disk/disk-queue.ts';
import {
  appendDeferred,
  appendNumbers,
  DATA_PATH,
  openQueue,
  readAllRecords,
  readNumbers,
  readRecords,
} from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { SystemError } from '../../../support/system-error.ts';

/** Units: Unix ms. */
const NOW_MS = 1_800_000_000_000;
const LATER_MS = NOW_MS + 60_000;
/** Twenty messages are in four segments. */
const SEGMENT_BYTES = 200;
const TWENTY = Array.from({ length: 20 }, (_, at) => at + 1);

type Given = Partial<Omit<DiskSurvey, 'filter'>> & Partial<DiskSurvey['filter']>;

function survey(queue: DiskQueue, given: Given = {}, resultBytesMax?: number): DiskSurveyResult {
  const { states = ['ready', 'deferred'], ids = null, sinceMs = 0, match = null, ...rest } = given;
  const filter = { states, ids, sinceMs, match };
  const all = { work: 'list', countMax: 100, bodyMax: 100, numbers: null } as const;
  const at = { segment: 0, position: 0, nowMs: NOW_MS, dueMs: 0 };
  return queue.survey.run({ ...all, ...at, ...rest, filter }, resultBytesMax);
}

function numbersOf({ records }: DiskSurveyResult): number[] {
  return records.map(({ id }) => Number.parseInt(id, 16));
}

function opened(fileSystem = new MemoryFileSystem(DATA_PATH)): DiskQueue {
  return openQueue(fileSystem, 'orders', { maxBytesPerFile: SEGMENT_BYTES }).queue;
}

/** All pages of a listing. */
function pages(queue: DiskQueue, countMax: number, resultBytesMax?: number): number[][] {
  const found: number[][] = [];
  let next: DiskSurveyResult['next'] = [0, 0];
  while (next !== null) {
    const [segment, position] = next;
    const page = survey(queue, { segment, position, countMax }, resultBytesMax);
    found.push(numbersOf(page));
    next = page.next;
  }
  return found;
}

test('QueueSurvey: lists what is unread, in order, and moves no read position', () => {
  const queue = opened();
  appendNumbers(queue, ...TWENTY);
  const [first] = readRecords(queue, 1);

  const { records, next, done } = survey(queue, { bodyMax: 7 });

  assert.equal(first.message, 1);
  assert.deepEqual(
    records.map(({ id, body, size }) => [
      Number.parseInt(id, 16),
      Buffer.from(body).toString(),
      size,
    ]),
    TWENTY.slice(1).map((number) => [number, 'message', `message ${number}`.length]),
  );
  assert.deepEqual([next, done, queue.unread], [null, [], 19]);
  assert.deepEqual(readNumbers(queue), TWENTY.slice(1));
});

test('QueueSurvey: pages that follow each other list everything once, over segments', () => {
  const queue = opened();
  appendNumbers(queue, ...TWENTY);

  const byCount = pages(queue, 3);
  const byBytes = pages(queue, 100, 1);

  assert.deepEqual(byCount.flat(), TWENTY);
  assert.deepEqual(byBytes.flat(), TWENTY);
  assert.ok(byCount.every((page) => page.length <= 3));
  assert.ok(byBytes.every((page) => page.length <= 1));
});

test('QueueSurvey: a filter selects by body, by id and by state', () => {
  const queue = opened();
  appendNumbers(queue, 1, 2, 11);
  appendDeferred(queue, [21, LATER_MS], [22, NOW_MS]);

  assert.deepEqual(numbersOf(survey(queue, { match: Buffer.from('message 1') })), [1, 11]);
  assert.deepEqual(numbersOf(survey(queue, { ids: [(2).toString(16).padStart(16, '0')] })), [2]);
  assert.deepEqual(numbersOf(survey(queue, { states: ['deferred'] })), [21]);
  assert.deepEqual(numbersOf(survey(queue, { states: ['ready'] })), [1, 2, 11, 22]);
});

test('QueueSurvey: what is finished is not read, not listed, and not there after a restart', () => {
  const fileSystem = new MemoryFileSystem(DATA_PATH);
  const queue = opened(fileSystem);
  appendNumbers(queue, ...TWENTY);

  const { done, records } = survey(queue, { work: 'finish', match: Buffer.from('message 1') });
  const unread = queue.unread;
  const listed = numbersOf(survey(queue));
  queue.close();
  const again = opened(fileSystem);

  const left = [2, 3, 4, 5, 6, 7, 8, 9, 20];
  assert.deepEqual(
    done.map((id) => Number.parseInt(id, 16)),
    [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
  );
  assert.deepEqual([records, unread, listed], [[], 9, left]);
  assert.deepEqual(readNumbers(again), left);
});

test('QueueSurvey: what is requeued is due at its new time, and keeps its place', () => {
  const queue = opened();
  appendNumbers(queue, 1, 2, 3);
  const only = { ids: [(2).toString(16).padStart(16, '0')] };

  survey(queue, { work: 'requeue', dueMs: LATER_MS, ...only });
  const deferred = survey(queue, { states: ['deferred'] });
  const read = readAllRecords(queue);

  assert.deepEqual(
    deferred.records.map(({ id, dueMs }) => [Number.parseInt(id, 16), dueMs]),
    [[2, LATER_MS]],
  );
  assert.deepEqual(
    read.map(({ message, dueMs }) => [message, dueMs]),
    [
      [1, 0],
      [2, LATER_MS],
      [3, 0],
    ],
  );
});

test('QueueSurvey: by their numbers it lists records that were handed out', () => {
  const queue = opened();
  appendNumbers(queue, 1, 2, 3, 4);
  const handed = readAllRecords(queue);
  const [, second, third] = handed;
  queue.finish(third.number, 1);

  const numbers = [second.number, third.number];
  const all = survey(queue, { numbers });
  const bounded = survey(queue, { numbers: handed.map(({ number }) => number) }, 1);

  assert.deepEqual(
    all.records.map(({ id, number }) => [Number.parseInt(id, 16), number]),
    [[2, second.number]],
  );
  assert.equal(all.covered, 2);
  assert.deepEqual([numbersOf(bounded), bounded.covered], [[1], 1]);
  assert.deepEqual(numbersOf(survey(queue)), []);
});

test('QueueSurvey: work whose states cannot be written fails, and is done by the next one', () => {
  const fileSystem = new MemoryFileSystem(DATA_PATH);
  const queue = opened(fileSystem);
  appendNumbers(queue, 1, 2, 3);
  fileSystem.onCall = (call) => {
    if (call === 'write') throw new SystemError('EIO', 'write', DATA_PATH);
  };

  assert.throws(() => survey(queue, { work: 'finish' }));
  fileSystem.onCall = () => undefined;
  const unread = queue.unread;
  const { done } = survey(queue, { work: 'finish' });

  assert.deepEqual([unread, done.length, queue.unread], [3, 3, 0]);
});
