import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ENTRIES_OFFSET,
  entryBytes,
  HEADER_BYTES,
  type JournalEntry,
  readEntries,
  readHeader,
  writeDrop,
  writeHeader,
  writeRecords,
} from '../../../../../src/workers/disk/journal/journal-entry.ts';

const GENERATION = 2 ** 40 + 3;
const RECORDS: JournalEntry = {
  isDrop: false,
  queueName: 'orders:päckchen',
  segment: 7,
  position: 2 ** 33,
  records: Buffer.from('the bytes of two records'),
  dueTimes: [0, 1_700_000_000_123],
};
const DROP: JournalEntry = {
  isDrop: true,
  queueName: 'orders',
  segment: 0,
  position: 0,
  records: Buffer.alloc(0),
  dueTimes: [],
};

/** A journal file with these entries. `ends`: where each ends. */
function journalOf(entries: readonly JournalEntry[], generation = GENERATION) {
  const bytes = Buffer.alloc(ENTRIES_OFFSET + 64 * 1024);
  writeHeader(bytes, generation);
  const ends: number[] = [];
  let at = ENTRIES_OFFSET;
  for (const entry of entries) {
    const { isDrop, queueName, records, ...rest } = entry;
    const source = { ...rest, source: records, start: 0, end: records.length };
    at = isDrop
      ? writeDrop(bytes, at, generation, queueName)
      : writeRecords(bytes, at, generation, queueName, source);
    ends.push(at);
  }
  return { bytes: bytes.subarray(0, at), ends };
}

/** With `records` of its own, to be compared. */
function read(bytes: Buffer): JournalEntry[] {
  return readEntries(bytes).map((entry) => ({ ...entry, records: Buffer.from(entry.records) }));
}

test('journal entries: are read as they were written', () => {
  assert.deepStrictEqual(read(journalOf([RECORDS, DROP, RECORDS]).bytes), [RECORDS, DROP, RECORDS]);
});

test('journal entries: any entries are read as they were written, in the bytes announced', () => {
  const entry = fc.record(
    {
      isDrop: fc.constant(false),
      queueName: fc.string({ unit: 'grapheme', maxLength: 30 }),
      segment: fc.nat(),
      position: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      records: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      dueTimes: fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { maxLength: 5 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
      const { bytes } = journalOf(entries);
      assert.deepStrictEqual(read(bytes), entries);
      const announced = entries.reduce(
        (sum, { queueName, records, dueTimes }) =>
          sum + entryBytes(Buffer.byteLength(queueName), records.length, dueTimes.length),
        ENTRIES_OFFSET,
      );
      assert.equal(bytes.length, announced);
    }),
  );
});

test('journal entries: of a file that is cut anywhere, the whole entries are read', () => {
  const { bytes, ends } = journalOf([RECORDS, DROP, RECORDS]);
  for (let length = 0; length <= bytes.length; length++) {
    const whole = ends.filter((end) => end <= length).length;
    assert.equal(read(bytes.subarray(0, length)).length, whole, `cut to ${length} bytes`);
  }
});

test('journal entries: a changed byte anywhere ends the entries before its own', () => {
  const { bytes, ends } = journalOf([RECORDS, DROP, RECORDS]);
  for (let at = ENTRIES_OFFSET; at < bytes.length; at++) {
    bytes[at] ^= 0x10;
    const before = ends.filter((end) => end <= at).length;
    assert.equal(read(bytes).length, before, `byte ${at}`);
    bytes[at] ^= 0x10;
  }
});

test('journal entries: those of an earlier generation do not count', () => {
  const { bytes } = journalOf([RECORDS, RECORDS], GENERATION - 1);
  writeHeader(bytes, GENERATION);

  assert.deepStrictEqual([readHeader(bytes), read(bytes)], [GENERATION, []]);
});

test('journal header: a changed or missing byte leaves no header', () => {
  const { bytes } = journalOf([RECORDS]);
  for (let at = 0; at < HEADER_BYTES; at++) {
    bytes[at] ^= 1;
    assert.deepStrictEqual([readHeader(bytes), read(bytes)], [undefined, []], `byte ${at}`);
    bytes[at] ^= 1;
    assert.equal(readHeader(bytes.subarray(0, at)), undefined);
  }
});
