import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG_ERROR } from '../../../../src/workers/disk/files/disk-log.ts';
import { errorWithCauses } from '../../../../src/workers/disk/files/file-error.ts';
import { SidecarPatience } from '../../../../src/workers/disk/files/sidecar-patience.ts';
import {
  appendDeferred,
  appendNumbers,
  DATA_PATH,
  type HandedRecord,
  type OpenedQueue,
  openQueue,
  readRecords,
} from '../../../support/disk-queue-setup.ts';
import { type FileCall, MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { SystemError } from '../../../support/system-error.ts';

const SIDECARS = `${DATA_PATH}/.ringmq`;
const STATES = `${SIDECARS}/q.diskqueue.000000.notes`;
const CHECKSUMS = `${SIDECARS}/q.diskqueue.000000.sums`;
const COPY = `${SIDECARS}/q.diskqueue.meta.copy`;
const DUE_MS = 1_800_000_000_123;
/** More than any patience. */
const HOUR_MS = 3_600_000;
const RETRY_MS = 1000;

interface Bench {
  readonly disk: MemoryFileSystem;
  readonly patience: SidecarPatience;
}

function makeBench(): Bench {
  return { disk: new MemoryFileSystem(DATA_PATH), patience: new SidecarPatience() };
}

/** A queue with an ordinary and a deferred record, closed. */
function makeFilledBench(): Bench {
  const bench = makeBench();
  const { queue } = open(bench);
  appendNumbers(queue, 1);
  appendDeferred(queue, [2, DUE_MS]);
  queue.close();
  return bench;
}

function open({ disk, patience }: Bench): OpenedQueue {
  return openQueue(disk, 'q', {}, DATA_PATH, patience);
}

/** Has calls on a file, or on a directory and what is in it, fail. */
function failAt(
  { disk }: Bench,
  where: string,
  code: string,
  fails: (call: FileCall) => boolean = () => true,
): void {
  disk.onCall = (call, path) => {
    const isThere = path === where || path.startsWith(`${where}/`);
    if (isThere && fails(call)) throw new SystemError(code, call, path);
  };
}

/** Tries each second until it works. Returns how many times that took. */
function retry({ patience }: Bench, work: () => void): number {
  const endMs = patience.nowMs + HOUR_MS;
  for (let tries = 1; ; tries++) {
    try {
      work();
      return tries;
    } catch (error) {
      assert.ok(patience.nowMs < endMs, `still fails after an hour: ${errorWithCauses(error)}`);
      patience.nowMs += RETRY_MS;
    }
  }
}

function openPatiently(bench: Bench): OpenedQueue & { readonly tries: number } {
  let opened: OpenedQueue | undefined;
  const tries = retry(bench, () => {
    opened = open(bench);
  });
  assert.ok(opened);
  return { ...opened, tries };
}

/** Reads everything, patiently. */
function readAll(bench: Bench, { queue }: OpenedQueue): HandedRecord[] {
  const records: HandedRecord[] = [];
  for (;;) {
    let batch: HandedRecord[] = [];
    retry(bench, () => {
      batch = readRecords(queue);
    });
    if (batch.length === 0) return records;
    records.push(...batch);
  }
}

function numbersAndTimes(bench: Bench, opened: OpenedQueue): (readonly [number, number])[] {
  return readAll(bench, opened).map(({ message, dueMs }) => [message, dueMs] as const);
}

function errorsOf({ log }: OpenedQueue): string[] {
  return log.filter((line) => line.startsWith(`${LOG_ERROR} `));
}

test('DiskQueue: states that cannot be read for a second are waited for', () => {
  const bench = makeFilledBench();
  failAt(bench, STATES, 'EIO');
  assert.throws(() => open(bench), /000000\.notes/);
  bench.patience.nowMs += RETRY_MS;
  bench.disk.onCall = () => undefined;

  const opened = open(bench);

  assert.deepStrictEqual(numbersAndTimes(bench, opened), [
    [1, 0],
    [2, DUE_MS],
  ]);
});

for (const [code, tries] of [
  ['EIO', 4],
  ['EACCES', 4],
  ['EISDIR', 1],
] as const) {
  test(`DiskQueue: states that cannot be read (${code}) are set aside and cost no record`, () => {
    const bench = makeFilledBench();
    const bytes = bench.disk.content(STATES);
    failAt(bench, STATES, code, (call) => call === 'read');

    const opened = openPatiently(bench);

    assert.strictEqual(opened.tries, tries);
    assert.strictEqual(opened.queue.depth, 2);
    assert.deepStrictEqual(numbersAndTimes(bench, opened), [
      [1, 0],
      [2, 0],
    ]);
    assert.deepStrictEqual(bench.disk.content(`${STATES}.unusable`), bytes);
    assert.deepStrictEqual(
      errorsOf(opened).map((line) => line.replace(/ - .*/, '')),
      [
        `${LOG_ERROR} DISKQUEUE(q): segment 0: continuing without the due times and attempts written so far, ` +
          'finished records may be redelivered; the file is kept as q.diskqueue.000000.notes.unusable',
      ],
    );
  });
}

test('DiskQueue: states are waited for as long as the disk fails as a whole', () => {
  const bench = makeFilledBench();
  bench.disk.onCall = (call, path) => {
    if (call === 'read' && path.includes('000000')) throw new SystemError('EIO', call, path);
  };

  for (let second = 0; second < 100; second++) {
    assert.throws(() => open(bench), /000000/);
    bench.patience.nowMs += RETRY_MS;
  }
  failAt(bench, STATES, 'EIO');
  assert.throws(() => open(bench), /000000/);

  bench.disk.onCall = () => undefined;
  assert.deepStrictEqual(numbersAndTimes(bench, open(bench)), [
    [1, 0],
    [2, DUE_MS],
  ]);
});

test('DiskQueue: behind states that were set aside there are new ones', () => {
  const bench = makeFilledBench();
  failAt(bench, STATES, 'EISDIR', (call) => call === 'read');
  const opened = openPatiently(bench);
  bench.disk.onCall = () => undefined;

  appendDeferred(opened.queue, [3, DUE_MS + 3]);
  opened.queue.close();

  assert.deepStrictEqual(numbersAndTimes(bench, open(bench)), [
    [1, 0],
    [2, 0],
    [3, DUE_MS + 3],
  ]);
});

for (const code of ['EMFILE', 'ENOMEM', 'ENOSPC']) {
  test(`DiskQueue: states are waited for as long as the machine is short (${code})`, () => {
    const bench = makeFilledBench();
    failAt(bench, STATES, code);

    for (let second = 0; second < 100; second++) {
      assert.throws(() => open(bench), /000000\.notes/);
      bench.patience.nowMs += RETRY_MS;
    }

    bench.disk.onCall = () => undefined;
    assert.deepStrictEqual(numbersAndTimes(bench, open(bench)), [
      [1, 0],
      [2, DUE_MS],
    ]);
  });
}

test('DiskQueue: states that cannot be written refuse deferred records for a while only', () => {
  const bench = makeFilledBench();
  const opened = open(bench);
  failAt(bench, STATES, 'EIO', (call) => call === 'write' || call === 'rename');

  appendNumbers(opened.queue, 3);
  const tries = retry(bench, () => appendDeferred(opened.queue, [4, DUE_MS]));

  assert.strictEqual(tries, 4);
  opened.queue.close();
  bench.disk.onCall = () => undefined;
  assert.deepStrictEqual(
    numbersAndTimes(bench, open(bench)).map(([message]) => message),
    [1, 2, 3, 4],
  );
});

test('DiskQueue: states that cannot be made durable delay syncs for a while only', () => {
  const bench = makeBench();
  const opened = open(bench);
  appendDeferred(opened.queue, [1, DUE_MS]);
  failAt(bench, STATES, 'EIO', (call) => call === 'sync');

  const tries = retry(bench, () => opened.queue.sync());
  appendDeferred(opened.queue, [2, DUE_MS]);
  opened.queue.sync();

  assert.strictEqual(tries, 4);
  assert.strictEqual(errorsOf(opened).length, 1);
  opened.queue.close();
  bench.disk.onCall = () => undefined;
  assert.deepStrictEqual(numbersAndTimes(bench, open(bench)), [
    [1, DUE_MS],
    [2, DUE_MS],
  ]);
});

test('DiskQueue: without a usable directory for sidecars a queue takes and gives records', () => {
  const bench = makeFilledBench();
  failAt(bench, SIDECARS, 'EACCES');

  const first = openPatiently(bench);
  retry(bench, () => appendDeferred(first.queue, [3, DUE_MS]));
  appendNumbers(first.queue, 4);
  const [{ number }, ...others] = readAll(bench, first);
  first.queue.finish(number, 1);
  first.queue.update(others[0].number, 2, DUE_MS);
  retry(bench, () => first.queue.sync());
  first.queue.probe();
  retry(bench, () => first.queue.close());
  const second = openPatiently(bench);

  assert.deepStrictEqual(
    others.map(({ message }) => message),
    [2, 3, 4],
  );
  assert.deepStrictEqual(
    numbersAndTimes(bench, second).map(([message]) => message),
    [2, 3, 4],
  );
});

test('DiskQueue: no call on a sidecar that always fails costs a record or stops the queue', () => {
  const calls: FileCall[] = [
    ...(['openForReading', 'openForWriting', 'create', 'createOrEmpty', 'read', 'write'] as const),
    ...(['truncate', 'sync', 'close', 'isLinked', 'size', 'rename', 'remove', 'list'] as const),
    ...(['makeDirectory', 'syncDirectory'] as const),
  ];
  for (const code of ['EIO', 'EACCES', 'EISDIR']) {
    for (const failing of calls) {
      const bench = makeFilledBench();
      failAt(bench, SIDECARS, code, (call) => call === failing);

      const first = openPatiently(bench);
      retry(bench, () => appendDeferred(first.queue, [3, DUE_MS], [4, 0]));
      const [{ number }, ...others] = readAll(bench, first);
      first.queue.finish(number, 1);
      first.queue.update(others[0].number, 2, 0);
      retry(bench, () => first.queue.sync());
      retry(bench, () => first.queue.close());
      const second = openPatiently(bench);

      const left = numbersAndTimes(bench, second).map(([message]) => message);
      assert.deepStrictEqual(left, [2, 3, 4], `${failing} fails with ${code}`);
    }
  }
});

test('DiskQueue: a copy of metadata that is needed and cannot be read is set aside', () => {
  const bench = makeFilledBench();
  const bytes = bench.disk.content(COPY);
  bench.disk.delete(`${DATA_PATH}/q.diskqueue.meta.dat`);
  failAt(bench, COPY, 'EIO', (call) => call === 'read');

  const opened = openPatiently(bench);

  assert.strictEqual(opened.tries, 4);
  assert.deepStrictEqual(
    numbersAndTimes(bench, opened).map(([message]) => message),
    [1, 2],
  );
  assert.deepStrictEqual(bench.disk.content(`${COPY}.unusable`), bytes);
  assert.match(errorsOf(opened)[0], /continuing without the copy of metadata/);
});

test('DiskQueue: checksums that are needed and cannot be read are set aside', () => {
  const bench = makeFilledBench();
  const bytes = bench.disk.content(CHECKSUMS);
  const segment = bench.disk.content(`${DATA_PATH}/q.diskqueue.000000.dat`);
  segment.writeInt32BE(-1, 0);
  bench.disk.put(`${DATA_PATH}/q.diskqueue.000000.dat`, segment);
  failAt(bench, CHECKSUMS, 'EIO', (call) => call === 'read');
  const opened = openPatiently(bench);

  const tries = retry(bench, () => readRecords(opened.queue));
  appendNumbers(opened.queue, 3);

  assert.strictEqual(tries, 4);
  assert.deepStrictEqual(numbersAndTimes(bench, opened), [[3, 0]]);
  assert.deepStrictEqual(bench.disk.content(`${CHECKSUMS}.unusable`), bytes);
});
