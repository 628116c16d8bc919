import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { diskRecord, parseMessage } from '../../support/disk-files.ts';
import { NsqdQueue } from '../../support/nsqd-queue.ts';

const LIMITS = { maxBytesPerFile: 80, maxMsgSize: 4096 };
const RECORD_BYTES = 31;

/** A queue of these files, with `meta` for metadata and numbers for data files. */
function makeQueue(files: Readonly<Record<string, Buffer | string>>): NsqdQueue {
  const byName = new Map(
    Object.entries(files).map(([name, content]) => [
      `q.diskqueue.${name === 'meta' ? name : name.padStart(6, '0')}.dat`,
      Buffer.from(content),
    ]),
  );
  const content = (name: string): Buffer => byName.get(name) ?? Buffer.alloc(0);
  return new NsqdQueue({ names: [...byName.keys()], content }, 'q', LIMITS);
}

function records(...numbers: readonly number[]): Buffer {
  return Buffer.concat(numbers.map((number) => diskRecord(number, 'x')));
}

function readNumbers(queue: NsqdQueue): number[] {
  return queue.readAll().map((bytes) => Number.parseInt(parseMessage(bytes).id, 16));
}

for (const [fixture, name, bodies] of [
  ['topic-backlog', 'lonely', ['one', 'two', 'three', 'four']],
  ['stale-metadata', 's', ['a', 'b', 'c', 'd', 'e']],
  ['truncated-tail', 'u', ['first', 'second']],
  ['paused', 'go:free', ['x', 'y']],
] as const) {
  test(`NsqdQueue: reads "${name}" of nsqd's directory "${fixture}"`, () => {
    const directory = join(import.meta.dirname, '../../fixtures', fixture);
    const content = (file: string): Buffer => readFileSync(join(directory, file));
    const queue = new NsqdQueue({ names: readdirSync(directory), content }, name, LIMITS);

    const found = queue.readAll().map((bytes) => parseMessage(bytes).body);

    assert.deepEqual(found, bodies);
  });
}

test('NsqdQueue: reads over segments what it has written', () => {
  const queue = makeQueue({});

  for (const number of [1, 2, 3, 4, 5]) queue.put(records(number));

  assert.deepEqual(readNumbers(queue), [1, 2, 3, 4, 5]);
});

test('NsqdQueue: writes over a segment that metadata does not name, and never reads what was there', () => {
  const queue = makeQueue({ meta: `1\n0,0\n0,${RECORD_BYTES}\n`, 0: records(1), 1: records(7, 8) });

  for (const number of [2, 3]) queue.put(records(number));

  assert.deepEqual(readNumbers(queue), [1, 2, 3]);
});

test('NsqdQueue: leaves a write segment that is longer than metadata says, and reads it to its end', () => {
  const queue = makeQueue({ meta: '0\n0,0\n0,0\n', 0: records(1, 2) });

  queue.put(records(3));

  assert.deepEqual(readNumbers(queue), [1, 2, 3]);
});

test('NsqdQueue: without metadata it begins with the first segment, over what is there', () => {
  const queue = makeQueue({ 0: records(1, 2) });

  queue.put(records(3));

  assert.deepEqual(readNumbers(queue), [3]);
});

test('NsqdQueue: what cannot be read costs the rest of its segment', () => {
  const damaged = records(1, 2, 3);
  damaged.writeInt32BE(5, RECORD_BYTES);
  const queue = makeQueue({ meta: `5\n0,0\n2,${RECORD_BYTES}\n`, 0: damaged, 2: records(5) });

  assert.deepEqual(readNumbers(queue), [1, 5]);
});
