import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskQueue } from '../../../../src/workers/disk/disk-queue.ts';
import { QueueFiles } from '../../../../src/workers/disk/files/queue-files.ts';
import { type DiskMessage, diskRecord, parseRecords } from '../../../support/disk-files.ts';
import { DATA_PATH, openQueue, readAll, readBatch } from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { SystemError } from '../../../support/system-error.ts';

/**
 * A small queue of three segments: each of its bytes is damaged in turn, each of its files cut off, removed, exchanged
 * and made unreadable. Records whose bytes are intact must be read; those whose bytes are not must not be.
 */

const FILES = new QueueFiles(DATA_PATH, 'q');
const LIMITS = { maxBytesPerFile: 260, maxMsgSize: 200 };
const BODIES = ['', 'a', 'bc', 'd'.repeat(70), 'efg', '', 'h'.repeat(33), 'i', 'jk', 'l'.repeat(9)];
const RECORDS = [...BODIES, 'm'.repeat(64), 'the last one'].map((body, index) =>
  diskRecord(index + 1, body),
);
/** Numbers of the records that are finished: those at the front, and some behind others. */
const FINISHED = [1, 2, 6, 7];
/** The record that has a state, with these attempts. */
const UPDATED = 4;
const UPDATED_ATTEMPTS = 3;
const DUE_MS = 1_800_000_000_000;

/** Where a record lies. */
interface Place {
  readonly segment: number;
  readonly start: number;
  readonly end: number;
}

/** What is on the disk, by path. */
type Image = ReadonlyMap<string, Buffer>;

const PLACES: readonly Place[] = placesOf(RECORDS);
const IMAGE: Image = makeImage();
const SEGMENTS = [0, 1, 2].map((segment) => FILES.segment(segment));
const UNACKED = RECORDS.map((_, index) => index + 1).filter((number) => !FINISHED.includes(number));

function placesOf(records: readonly Buffer[]): Place[] {
  const places: Place[] = [];
  let segment = 0;
  let start = 0;
  for (const record of records) {
    if (start > 0 && start + record.length > LIMITS.maxBytesPerFile) {
      segment++;
      start = 0;
    }
    places.push({ segment, start, end: start + record.length });
    start += record.length;
  }
  return places;
}

/** The queue as it is after a sync and a kill: nothing was closed. */
function makeImage(): Image {
  const disk = new MemoryFileSystem(DATA_PATH);
  const { queue } = openQueue(disk, 'q', LIMITS);
  const bytes = Buffer.concat(RECORDS);
  queue.append(bytes, 0, bytes.length, RECORDS.length);
  const unacked = readBatch(queue, 320).length;
  assert.equal(unacked, 7);
  for (const number of FINISHED) queue.finish(number - 1, 1);
  queue.update(UPDATED - 1, UPDATED_ATTEMPTS, DUE_MS);
  queue.sync();
  return imageOf(disk);
}

function imageOf(disk: MemoryFileSystem): Image {
  const image = new Map<string, Buffer>();
  for (const directory of [DATA_PATH, FILES.sidecarDirectory]) {
    for (const name of disk.names(directory)) {
      image.set(`${directory}/${name}`, disk.content(`${directory}/${name}`));
    }
  }
  return image;
}

function makeDisk(image: Image): MemoryFileSystem {
  const disk = new MemoryFileSystem(DATA_PATH, FILES.sidecarDirectory);
  for (const [path, content] of image) disk.put(path, content);
  return disk;
}

function changed(path: string, change: (content: Buffer) => Buffer): Image {
  return new Map(IMAGE).set(path, change(Buffer.from(contentOf(path))));
}

function contentOf(path: string): Buffer {
  const content = IMAGE.get(path);
  assert.ok(content !== undefined, path);
  return content;
}

interface Outcome {
  readonly numbers: readonly number[];
  readonly log: readonly string[];
  readonly disk: MemoryFileSystem;
}

/** Opens the queue, reads it to its end, finishes and closes it, and opens it once more: then it must be empty. */
function readQueue(image: Image, room = 4096): Outcome {
  const disk = makeDisk(image);
  const { queue, log } = openQueue(disk, 'q', LIMITS);
  const numbers = numbersOf(readAll(queue, room));
  assert.equal(queue.depth, numbers.length);
  for (let index = 0; index < numbers.length; index++) queue.finish(index, 1);
  queue.close();
  const again = openQueue(disk, 'q', LIMITS);
  assert.deepEqual([again.queue.depth, readAll(again.queue).length], [0, 0], log.join('\n'));
  return { numbers, log, disk };
}

/** The numbers of messages, each of which must be as it was written. */
function numbersOf(messages: readonly DiskMessage[]): number[] {
  return messages.map((message) => {
    const number = Number.parseInt(message.id, 16);
    assert.ok(number >= 1 && number <= RECORDS.length, `id ${message.id}`);
    const [expected] = parseRecords(RECORDS[number - 1]);
    const attempts =
      number === UPDATED && message.attempts === UPDATED_ATTEMPTS
        ? UPDATED_ATTEMPTS
        : expected.attempts;
    assert.deepEqual(message, { ...expected, attempts });
    return number;
  });
}

/** Every number is there that must be, and no other but those that were finished. */
function checkNumbers(
  numbers: readonly number[],
  expected: readonly number[],
  what: () => string,
): void {
  const unexpected = numbers.filter((number) => !expected.includes(number));
  assert.deepEqual(
    [expected.filter((number) => !numbers.includes(number)), new Set(numbers).size],
    [[], numbers.length],
    what(),
  );
  assert.ok(
    unexpected.every((number) => FINISHED.includes(number)),
    what(),
  );
}

/** The unacked records of which all bytes are what they were. */
function intactIn(image: Image): number[] {
  return UNACKED.filter((number) => {
    const { segment, start, end } = PLACES[number - 1];
    const content = image.get(FILES.segment(segment));
    return content?.subarray(start, end).equals(RECORDS[number - 1]);
  });
}

test('damage: the queue that these tests damage has three segments and every kind of sidecar', () => {
  const names = [...IMAGE.keys()].map((path) => path.slice(DATA_PATH.length + 1));

  assert.deepEqual(names, [
    'q.diskqueue.000000.dat',
    'q.diskqueue.000001.dat',
    'q.diskqueue.000002.dat',
    'q.diskqueue.meta.dat',
    '.ringmq/q.diskqueue.000000.notes',
    '.ringmq/q.diskqueue.000000.sums',
    '.ringmq/q.diskqueue.000001.notes',
    '.ringmq/q.diskqueue.000001.sums',
    '.ringmq/q.diskqueue.000002.sums',
    '.ringmq/q.diskqueue.meta.copy',
  ]);
  const { numbers, log } = readQueue(IMAGE);
  assert.deepEqual([numbers, log], [UNACKED, []]);
});

test('damage: a changed byte of a segment costs the record it lies in, and that is said', () => {
  for (const [segment, path] of SEGMENTS.entries()) {
    for (let at = 0; at < contentOf(path).length; at++) {
      for (const mask of [0x01, 0x10, 0x80, 0xff]) {
        const image = changed(path, (content) => {
          content[at] ^= mask;
          return content;
        });
        const what = (): string => `byte ${at} of segment ${segment} ^ ${mask}`;

        const { numbers, log, disk } = readQueue(image, at % 2 === 0 ? 4096 : 1);

        const expected = intactIn(image);
        checkNumbers(numbers, expected, what);
        const isHit = expected.length < UNACKED.length;
        assert.deepEqual(
          [numbers.filter((number) => !FINISHED.includes(number)), log.length > 0],
          [expected, isHit || log.length > 0],
          what(),
        );
        const hasBad = disk.names(DATA_PATH).some((name) => name.endsWith('.bad'));
        // The last segment is still written to.
        if (isHit && segment < 2) assert.ok(hasBad, what());
      }
    }
  }
});

test('damage: a changed byte of metadata or its copy costs nothing', () => {
  for (const path of [FILES.metadata, FILES.metadataCopy]) {
    for (let at = 0; at < contentOf(path).length; at++) {
      for (let mask = 1; mask < 256; mask++) {
        const image = changed(path, (content) => {
          content[at] ^= mask;
          return content;
        });

        const { numbers } = readQueue(image);

        assert.deepEqual(numbers, UNACKED, `byte ${at} of ${path} ^ ${mask}`);
      }
    }
  }
});

test('damage: a changed byte of the checksums costs nothing', () => {
  for (const segment of SEGMENTS.keys()) {
    const path = FILES.checksums(segment);
    for (let at = 0; at < contentOf(path).length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const image = changed(path, (content) => {
          content[at] ^= mask;
          return content;
        });

        const { numbers, log } = readQueue(image);

        assert.deepEqual([numbers, log], [UNACKED, []], `byte ${at} of ${path} ^ ${mask}`);
      }
    }
  }
});

test('damage: a changed byte of the states costs at most what they say', () => {
  for (const segment of [0, 1]) {
    const path = FILES.states(segment);
    for (let at = 0; at < contentOf(path).length; at++) {
      for (const mask of [0x01, 0x02, 0x80, 0xff]) {
        const image = changed(path, (content) => {
          content[at] ^= mask;
          return content;
        });

        const { numbers } = readQueue(image);

        checkNumbers(numbers, UNACKED, () => `byte ${at} of ${path} ^ ${mask}`);
      }
    }
  }
});

test('damage: zeros over any stretch of a segment cost the records they lie in', () => {
  for (const [segment, path] of SEGMENTS.entries()) {
    const { length } = contentOf(path);
    for (let from = 0; from < length; from += 7) {
      for (const bytes of [16, 64, 150]) {
        const to = Math.min(length, from + bytes);
        const image = changed(path, (content) => content.fill(0, from, to));

        const { numbers } = readQueue(image);

        const what = (): string => `zeros from ${from} to ${to} of segment ${segment}`;
        checkNumbers(numbers, intactIn(image), what);
      }
    }
  }
});

test('damage: a segment that is cut off loses what is missing', () => {
  for (const [segment, path] of SEGMENTS.entries()) {
    for (let size = 0; size < contentOf(path).length; size++) {
      const image = changed(path, (content) => content.subarray(0, size));

      const { numbers } = readQueue(image);

      checkNumbers(numbers, intactIn(image), () => `segment ${segment} cut off at ${size}`);
    }
  }
});

test('damage: any other file that is cut off costs nothing but states', () => {
  for (const path of IMAGE.keys()) {
    if (SEGMENTS.includes(path)) continue;
    for (let size = 0; size < contentOf(path).length; size++) {
      const { numbers } = readQueue(changed(path, (content) => content.subarray(0, size)));

      checkNumbers(numbers, UNACKED, () => `${path} cut off at ${size}`);
    }
  }
});

test('damage: a file that is gone costs what was in it, and of sidecars and metadata no record', () => {
  const paths = [...IMAGE.keys()];
  for (const first of paths) {
    for (const second of paths) {
      const image = new Map(IMAGE);
      image.delete(first);
      image.delete(second);

      const { numbers, log } = readQueue(image);

      const what = (): string => `without ${first} and ${second}: ${log.join('\n')}`;
      checkNumbers(numbers, intactIn(image), what);
    }
  }
});

test('damage: exchanged segments cost nothing, with their states or without', () => {
  for (const [first, second] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ]) {
    for (const others of [[], [FILES.states]]) {
      const image = new Map(IMAGE);
      for (const name of [FILES.segment, ...others]) {
        exchange(image, name.call(FILES, first), name.call(FILES, second));
      }

      const { numbers, log } = readQueue(image);

      const what = (): string => `${first} and ${second}, ${others.length}: ${log.join('\n')}`;
      checkNumbers(numbers, UNACKED, what);
    }
  }
});

test('damage: exchanged sidecars cost no record', () => {
  for (const [first, second] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ]) {
    for (const name of [FILES.checksums, FILES.states]) {
      const image = new Map(IMAGE);
      exchange(image, name.call(FILES, first), name.call(FILES, second));

      const { numbers } = readQueue(image);

      checkNumbers(numbers, UNACKED, () => `${name.name} of ${first} and ${second}`);
    }
  }
});

test('damage: records that somebody else has put in place of others are read', () => {
  const foreign = RECORDS.map((record, index) =>
    diskRecord(100 + index, 'x'.repeat(record.length - 30)),
  );
  for (const [segment, path] of SEGMENTS.entries()) {
    const inSegment = RECORDS.map((_, index) => index).filter(
      (index) => PLACES[index].segment === segment,
    );
    for (let first = 0; first < inSegment.length; first++) {
      for (let end = first + 1; end <= inSegment.length; end++) {
        const replaced = inSegment.slice(first, end);
        const image = changed(path, (content) => {
          for (const index of replaced) foreign[index].copy(content, PLACES[index].start);
          return content;
        });
        const { queue } = openQueue(makeDisk(image), 'q', LIMITS);

        const ids = readAll(queue).map((message) => Number.parseInt(message.id, 16));

        const expected = RECORDS.map((_, index) =>
          replaced.includes(index) ? 100 + index : index + 1,
        );
        // What metadata says is finished at the front is not read, whoever wrote it.
        const missing = expected
          .slice(2)
          .filter((id) => !ids.includes(id) && !FINISHED.includes(id));
        assert.deepEqual(missing, [], `records ${replaced} of segment ${segment}`);
      }
    }
  }
});

test('damage: a crash between the copy of metadata and the metadata costs nothing and brings nothing back', () => {
  const disk = makeDisk(IMAGE);
  const { queue } = openQueue(disk, 'q', LIMITS);
  const messages = readAll(queue);
  for (let index = 0; index < messages.length - 1; index++) queue.finish(index, 1);
  queue.sync();
  const later = imageOf(disk);
  // What was removed may be there again, as the removal need not be durable.
  for (const paths of [[], [FILES.segment(0)], [FILES.segment(0), FILES.segment(1)]]) {
    const image = new Map(later).set(FILES.metadata, contentOf(FILES.metadata));
    for (const path of paths) image.set(path, contentOf(path));

    const { numbers, log } = readQueue(image);

    assert.deepEqual([numbers, log], [[12], []]);
  }
});

test('damage: a queue that nsqd has deleted and begun anew is read, whatever RingMQ has left of the old one', () => {
  const records = [201, 202, 203].map((number) => diskRecord(number, 'of nsqd'));
  const content = Buffer.concat(records);
  for (const metadata of [`3\n0,0\n0,${content.length}\n`, undefined]) {
    const image = new Map(IMAGE);
    for (const path of [...SEGMENTS, FILES.metadata]) image.delete(path);
    image.set(FILES.segment(0), content);
    if (metadata !== undefined) image.set(FILES.metadata, Buffer.from(metadata));
    const { queue } = openQueue(makeDisk(image), 'q', LIMITS);

    const ids = readAll(queue).map((message) => Number.parseInt(message.id, 16));

    assert.deepEqual(ids, [201, 202, 203]);
  }
});

test('damage: a copy of metadata that was left of a deleted queue does not speak for the next', () => {
  for (const isRemovable of [true, false]) {
    const image = new Map(IMAGE);
    for (const path of [...SEGMENTS, FILES.metadata]) image.delete(path);
    const disk = makeDisk(image);
    const { queue } = openQueue(disk, 'q', LIMITS);
    disk.onCall = (action, path) => {
      if (!isRemovable && action === 'remove' && path === FILES.metadataCopy) {
        throw new SystemError('EIO', action, path);
      }
    };
    const bytes = Buffer.concat(RECORDS);
    const append = (): unknown => queue.append(bytes, 0, bytes.length, RECORDS.length);

    if (isRemovable) append();
    else assert.throws(append, /remove copy of metadata/);

    const again = openQueue(makeDisk(imageOf(disk)), 'q', LIMITS).queue;
    assert.equal(readAll(again).length, isRemovable ? RECORDS.length : 0);
  }
});

test('damage: a queue that nsqd has deleted is empty, whatever RingMQ has left of it', () => {
  const image = new Map(IMAGE);
  for (const path of [...SEGMENTS, FILES.metadata]) image.delete(path);
  const { queue, log } = openQueue(makeDisk(image), 'q', LIMITS);

  const bytes = Buffer.concat(RECORDS);
  queue.append(bytes, 0, bytes.length, RECORDS.length);
  const numbers = readAll(queue).map((message) => Number.parseInt(message.id, 16));

  assert.deepEqual([numbers, log], [RECORDS.map((_, index) => index + 1), []]);
});

test('damage: what nsqd has read and written since is believed', () => {
  // nsqd has taken two records more, and put one behind the last.
  const path = FILES.segment(2);
  const image = changed(path, (content) => Buffer.concat([content, diskRecord(50, 'of nsqd')]));
  const { length } = image.get(path) ?? Buffer.alloc(0);
  const metadata = `9\n0,${PLACES[4].start}\n2,${length}\n`;
  const { queue, log } = openQueue(
    makeDisk(new Map(image).set(FILES.metadata, Buffer.from(metadata))),
    'q',
    LIMITS,
  );

  const numbers = readAll(queue).map((message) => Number.parseInt(message.id, 16));

  assert.deepEqual([numbers, log], [[5, 8, 9, 10, 11, 12, 50], []]);
});

/** Exchanges two files, one of which may be missing. */
function exchange(image: Map<string, Buffer>, first: string, second: string): void {
  const [a, b] = [image.get(first), image.get(second)];
  if (b === undefined) image.delete(first);
  else image.set(first, b);
  if (a === undefined) image.delete(second);
  else image.set(second, a);
}

test('damage: a file that cannot be read for a while costs nothing once it can', () => {
  for (const path of IMAGE.keys()) {
    for (const code of ['EIO', 'EACCES', 'EMFILE']) {
      const disk = makeDisk(IMAGE);
      const fail = (action: string, called: string): void => {
        const isRead = ['openForReading', 'openForWriting', 'read'].includes(action);
        if (isRead && called === path) throw new SystemError(code, action, called);
      };
      disk.onCall = fail;
      const queue = openEventually(disk);

      disk.onCall = fail;
      const before = numbersOf(tryReadAll(queue));
      disk.onCall = () => undefined;
      const numbers = [...before, ...numbersOf(readAll(queue))];

      checkNumbers(numbers, UNACKED, () => `${code} of ${path}`);
      assert.deepEqual(
        disk.names(DATA_PATH).filter((name) => name.endsWith('.bad')),
        [],
      );
    }
  }
});

/** Opens the queue, if need be once nothing fails any more; nothing may have changed then. */
function openEventually(disk: MemoryFileSystem): DiskQueue {
  try {
    return openQueue(disk, 'q', LIMITS).queue;
  } catch (error) {
    assert.ok(error instanceof Error && error.cause instanceof SystemError);
    disk.onCall = () => undefined;
    assert.deepEqual(imageOf(disk), IMAGE);
    return openQueue(disk, 'q', LIMITS).queue;
  }
}

/** Reads until there is nothing more, or a read fails. */
function tryReadAll(queue: DiskQueue): DiskMessage[] {
  const messages: DiskMessage[] = [];
  for (;;) {
    try {
      const batch = readBatch(queue);
      if (batch.length === 0) return messages;
      messages.push(...batch);
    } catch (error) {
      assert.ok(error instanceof Error && error.cause instanceof SystemError);
      return messages;
    }
  }
}
