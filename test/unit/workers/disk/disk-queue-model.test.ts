import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskQueue } from '../../../../src/workers/disk/disk-queue.ts';
import { readQueueFiles } from '../../../support/disk-files.ts';
import {
  appendDeferred,
  appendNumbers,
  DATA_PATH,
  type HandedRecord,
  openQueue,
  readAllRecords,
  readRecords,
} from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { freshSeed, type Random, seededRandom } from '../../../support/seeded-random.ts';
import { SystemError } from '../../../support/system-error.ts';

const SIDECARS = `${DATA_PATH}/.ringmq`;

/** A record as the model knows it. */
interface ModelRecord {
  readonly message: number;
  attempts: number;
  dueMs: number;
  /** The number that it was handed out with, undefined if it was not. */
  number: number | undefined;
}

/** The queue as a list of what is not finished. */
class Model {
  records: ModelRecord[] = [];
  /** Messages that were finished after the last sync. */
  finishedSince = new Set<number>();

  get unacked(): ModelRecord[] {
    return this.records.filter(({ number }) => number !== undefined);
  }

  get unread(): ModelRecord[] {
    return this.records.filter(({ number }) => number === undefined);
  }

  append(message: number, dueMs: number): void {
    this.records.push({ message, attempts: message % 65536, dueMs, number: undefined });
  }

  finish(record: ModelRecord): void {
    this.records.splice(this.records.indexOf(record), 1);
    this.finishedSince.add(record.message);
  }

  /** The queue was reopened, and this is what it has handed out. */
  reopen(unacked: readonly HandedRecord[]): void {
    this.records = unacked.map((record) => ({ ...record }));
    this.finishedSince.clear();
  }
}

interface Play {
  readonly random: Random;
  readonly disk: MemoryFileSystem;
  readonly limits: { maxBytesPerFile: number; openFilesMax: number; syncEvery: number };
  readonly model: Model;
  queue: DiskQueue;
  log: string[];
  next: number;
  /** How many records were moved or skipped, so that a run that does neither is noticed. */
  moved: number;
}

const ACTIONS: readonly (readonly [weight: number, action: (play: Play) => void])[] = [
  [28, append],
  [24, read],
  [28, finish],
  [6, state],
  [6, sync],
  [1, empty],
  [3, kill],
  [3, closeAndOpen],
];

function start(seed: number): Play {
  const random = seededRandom(seed);
  const disk = new MemoryFileSystem(DATA_PATH);
  const limits = {
    maxBytesPerFile: 50 + random(800),
    openFilesMax: 1 + random(6),
    syncEvery: 1 + random(50),
  };
  const { queue, log } = openQueue(disk, 'q', limits);
  return { random, disk, limits, model: new Model(), queue, log, next: 1, moved: 0 };
}

function run(seed: number, steps: number): number {
  const play = start(seed);
  const sum = ACTIONS.reduce((total, [weight]) => total + weight, 0);
  for (let step = 0; step < steps; step++) {
    choose(play.random(sum))(play);
    if (play.queue.mustSync && play.random(2) === 0) sync(play);
    checkFigures(play);
    checkRestart(play);
  }
  return play.moved;
}

/** The action that a number below the sum of all weights means. */
function choose(at: number): (play: Play) => void {
  let left = at;
  for (const [weight, action] of ACTIONS) {
    left -= weight;
    if (left < 0) return action;
  }
  assert.fail();
}

function append(play: Play): void {
  const { random, queue, model } = play;
  const messages = Array.from({ length: 1 + random(12) }, () => play.next++);
  const dueTimes = messages.map(() => (random(3) === 0 ? 1_800_000_000_000 + random(1000) : 0));
  const isDeferred = random(3) === 0;
  const isDone = tryIt(play, () => {
    if (isDeferred) appendDeferred(queue, ...messages.map((m, i) => [m, dueTimes[i]] as const));
    else appendNumbers(queue, ...messages);
  });
  if (!isDone) return;
  for (const [index, message] of messages.entries()) {
    model.append(message, isDeferred ? dueTimes[index] : 0);
  }
}

/** Does something, one time in four on a disk that fills up on the way. Returns whether it was done. */
function tryIt({ random, disk }: Play, work: () => void): boolean {
  let calls = random(4) === 0 ? random(8) : Number.POSITIVE_INFINITY;
  disk.onCall = (action, path) => {
    if (action !== 'write' && action !== 'create') return;
    if (calls-- === 0) throw new SystemError('ENOSPC', action, path);
  };
  try {
    work();
    return true;
  } catch (error) {
    assert.ok(error instanceof Error && error.cause instanceof SystemError, String(error));
    return false;
  } finally {
    disk.onCall = () => undefined;
  }
}

function read({ random, queue, model }: Play): void {
  const { unread } = model;
  const records = readRecords(queue, 1 + random(600));
  assert.ok(records.length > 0 || unread.length === 0);
  // Moving changes the order on disk, and only a restart shows it.
  for (const record of records) takeRecord(unread, record);
}

/** Marks the record as handed out that this is. */
function takeRecord(unread: readonly ModelRecord[], found: HandedRecord): void {
  const record = unread.find(({ message }) => message === found.message);
  assert.ok(record !== undefined, `message ${found.message} is to be handed out`);
  assert.deepEqual([found.attempts, found.dueMs], [record.attempts, record.dueMs]);
  record.number = found.number;
}

function finish({ random, queue, model }: Play): void {
  const { unacked } = model;
  const isInOrder = random(2) === 0;
  const keep = random(8) === 0 ? 0 : 1;
  for (let count = random(unacked.length + 1); count > 0; count--) {
    // The oldest is often kept, so that segments are.
    const index = isInOrder ? Math.min(keep, unacked.length - 1) : random(unacked.length);
    const [record] = unacked.splice(index, 1);
    queue.finish(record.number ?? assert.fail(), 1);
    model.finish(record);
  }
}

function state({ random, queue, model }: Play): void {
  const { unacked } = model;
  if (unacked.length === 0) return;
  const record = unacked[random(unacked.length)];
  record.attempts = random(65536);
  record.dueMs = random(2) * (1_800_000_000_000 + random(1000));
  queue.update(record.number ?? assert.fail(), record.attempts, record.dueMs);
}

function sync(play: Play): void {
  const { disk, queue, model } = play;
  const before = firstSegment(disk);
  queue.sync();
  if (firstSegment(disk) > before) play.moved++;
  model.finishedSince.clear();
  checkFiles(disk, model, 'in use');
}

function empty({ queue, model }: Play): void {
  queue.empty();
  model.records = [];
  model.finishedSince.clear();
}

/** As after SIGKILL: everything that was written is there, and nothing was closed. */
function kill(play: Play): void {
  play.queue = openQueue(play.disk, 'q', play.limits).queue;
  play.model.reopen(readAgain(play.queue, play.model));
}

function closeAndOpen(play: Play): void {
  const { disk, model, random, limits } = play;
  play.queue.close();
  checkFiles(disk, model, 'closed');
  limits.maxBytesPerFile = 50 + random(800);
  const { queue, log } = openQueue(disk, 'q', limits);
  play.queue = queue;
  assert.deepEqual([queue.unread, log], [model.records.length, []]);
  if (random(2) === 0) {
    model.reopen(readAgain(queue, model));
    return;
  }
  for (const record of model.records) record.number = undefined;
  model.finishedSince.clear();
}

/** Reads a queue that was reopened. What is not finished is there once, with its states; what is may be, until a sync. */
function readAgain(queue: DiskQueue, model: Model): HandedRecord[] {
  const { unread, deferred } = queue;
  const found = readAllRecords(queue, 300);
  assert.deepEqual([unread, deferred], [found.length, found.filter(isDeferred).length]);
  const known = new Map(model.records.map((record) => [record.message, record]));
  const seen = new Set<number>();
  for (const { message, attempts, dueMs } of found) {
    assert.ok(!seen.has(message), `message ${message} is there once`);
    seen.add(message);
    const record = known.get(message);
    if (record === undefined) {
      assert.ok(model.finishedSince.has(message), `message ${message} was finished before a sync`);
    } else {
      assert.deepEqual([message, attempts, dueMs], [message, record.attempts, record.dueMs]);
    }
  }
  for (const message of known.keys()) assert.ok(seen.has(message), `message ${message} is lost`);
  return found;
}

function isDeferred({ dueMs }: HandedRecord): boolean {
  return dueMs > 0;
}

function checkFigures({ queue, model }: Play): void {
  const { unread } = model;
  assert.deepEqual(
    [queue.unread, queue.depth, queue.deferred],
    [unread.length, model.records.length, unread.filter(({ dueMs }) => dueMs > 0).length],
  );
  if (unread.length === 0) assert.equal(queue.unreadBytes, 0);
}

/** Opens a copy of the disk as it is, as if the broker had been killed here. */
function checkRestart({ disk, limits, model }: Play): void {
  const copy = copyOf(disk);
  const { queue } = openQueue(copy, 'q', limits);
  readAgain(queue, model);
}

function copyOf(disk: MemoryFileSystem): MemoryFileSystem {
  const copy = new MemoryFileSystem(DATA_PATH, SIDECARS);
  for (const directory of [DATA_PATH, SIDECARS]) {
    for (const name of disk.names(directory)) {
      copy.put(`${directory}/${name}`, disk.content(`${directory}/${name}`));
    }
  }
  return copy;
}

function firstSegment(disk: MemoryFileSystem): string {
  return disk.names(DATA_PATH).find((name) => name.endsWith('.dat')) ?? '';
}

/** What somebody who knows only the format sees: nothing is missing, and of a closed queue nothing is too much. */
function checkFiles(disk: MemoryFileSystem, model: Model, state: 'in use' | 'closed'): void {
  const content = (name: string): Buffer => disk.content(`${DATA_PATH}/${name}`);
  const files = readQueueFiles({ names: disk.names(DATA_PATH), content }, 'q');
  assert.deepEqual(files.problems, []);
  const found = new Set(files.messages.map((message) => Number.parseInt(message.id, 16)));
  for (const { message } of model.records) assert.ok(found.has(message), `${message} is lost`);
  if (state === 'closed') assert.equal(files.messages.length, model.records.length);
}

test('DiskQueue: behaves as a list does, whatever is done with it, and whenever it is killed', () => {
  const first = freshSeed();
  console.log(`seed ${first}`);
  let moved = 0;
  for (let seed = first; seed < first + 60; seed++) {
    try {
      moved += run(seed, 150);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  assert.ok(moved > 0);
});
