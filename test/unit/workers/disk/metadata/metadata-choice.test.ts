import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChecksumWriter } from '../../../../../src/workers/disk/checksums/checksum-file.ts';
import { chooseMetadata } from '../../../../../src/workers/disk/metadata/metadata-choice.ts';
import { writeMetadataCopy } from '../../../../../src/workers/disk/metadata/metadata-copy.ts';
import {
  formatMetadata,
  type QueueMetadata,
} from '../../../../../src/workers/disk/metadata/queue-metadata.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import { type ContextParts, FILES, makeContext } from '../../../../support/disk-parts.ts';
import { SystemError } from '../../../../support/system-error.ts';

const SIZE = 31;
/** Segment 1 has four records, of which two are to be read. */
const METADATA: QueueMetadata = {
  ...{ depth: 2, readSegment: 1, readPosition: 2 * SIZE },
  ...{ writeSegment: 1, writePosition: 4 * SIZE },
};
/** What the copy was to replace. */
const OLDER: QueueMetadata = { ...METADATA, depth: 3, readPosition: SIZE };
const NEWER: QueueMetadata = { ...METADATA, depth: 1, readPosition: 3 * SIZE };

function records(...bodies: readonly string[]): Buffer {
  return Buffer.concat(bodies.map((body, index) => diskRecord(index + 1, body)));
}

/** A queue with a segment of four records, their checksums, metadata and a copy of it. */
function setUp(metadata: QueueMetadata | string | undefined, copy = METADATA): ContextParts {
  const parts = makeContext();
  const { disk, context } = parts;
  const bytes = records('a', 'b', 'c', 'd');
  disk.put(FILES.segment(1), bytes);
  disk.makeDirectory(FILES.sidecarDirectory);
  new ChecksumWriter(context).add(1, 0, bytes, 0, bytes.length);
  writeMetadataCopy(disk, FILES, formatMetadata(copy), formatMetadata(OLDER));
  if (metadata === undefined) return parts;
  const text = typeof metadata === 'string' ? metadata : formatMetadata(metadata);
  disk.put(FILES.metadata, Buffer.from(text));
  return parts;
}

/** Another queue's records in the place of segment 1. */
function exchangeSegment({ disk }: ContextParts): void {
  const others = ['w', 'x', 'y', 'z'].map((body, index) => diskRecord(100 + index, body));
  disk.put(FILES.segment(1), Buffer.concat(others));
}

function failReadingCopy({ disk }: ContextParts): void {
  disk.onCall = (call, path) => {
    if (call === 'openForReading' && path === FILES.metadataCopy) {
      throw new SystemError('EIO', call, path);
    }
  };
}

const asOnDisk = (metadata: QueueMetadata | 'missing' | 'unusable'): object => ({
  ...{ metadata, isOnDisk: true, isDepthKnown: true },
});
const fromCopy = (metadata: QueueMetadata): object => ({
  ...{ metadata, isOnDisk: false, isDepthKnown: false },
});

test('chooseMetadata: metadata that is as its copy is good', () => {
  const parts = setUp(METADATA);

  assert.deepStrictEqual(chooseMetadata(parts.context), asOnDisk(METADATA));
  assert.deepStrictEqual(parts.log, []);
});

test('chooseMetadata: a queue that is new has none', () => {
  assert.deepStrictEqual(chooseMetadata(makeContext().context), asOnDisk('missing'));
});

test('chooseMetadata: without a data directory nothing is known', () => {
  const { disk, context } = makeContext();
  disk.removeDirectory('/data');

  assert.throws(() => chooseMetadata(context), /no data path "\/data"/);
});

test('chooseMetadata: the copy is newer if metadata is what it was to replace', () => {
  const parts = setUp(OLDER);

  assert.deepStrictEqual(chooseMetadata(parts.context), {
    ...{ metadata: METADATA, isOnDisk: false, isDepthKnown: true },
  });
  assert.deepStrictEqual(parts.log, []);
});

test('chooseMetadata: metadata that differs and fits the segments is what nsqd has written', () => {
  const parts = setUp(NEWER);

  assert.deepStrictEqual(chooseMetadata(parts.context), asOnDisk(NEWER));
  assert.deepStrictEqual(parts.log, []);
});

test('chooseMetadata: metadata that differs and does not fit the segments is replaced by its copy', () => {
  const unfit: readonly QueueMetadata[] = [
    { ...METADATA, depth: 7 },
    { ...METADATA, readPosition: 2 * SIZE + 1 },
    { ...METADATA, depth: 1, writePosition: 3 * SIZE + 1 },
    { ...METADATA, writePosition: 5 * SIZE },
    { ...METADATA, readSegment: 0 },
    { ...METADATA, writeSegment: 2 },
  ];
  for (const metadata of unfit) {
    const parts = setUp(metadata);

    const choice = chooseMetadata(parts.context);

    assert.deepStrictEqual(choice, fromCopy(METADATA), formatMetadata(metadata));
    assert.deepStrictEqual(parts.log, ['metadata does not fit the segments, its copy is used']);
  }
});

test('chooseMetadata: a copy takes the place of metadata that is missing or no metadata', () => {
  for (const [text, state] of [
    [undefined, 'missing'],
    ['3\n1,2\n', 'unusable'],
  ] as const) {
    const parts = setUp(text);

    const choice = chooseMetadata(parts.context);

    assert.deepStrictEqual(choice, fromCopy(METADATA));
    assert.deepStrictEqual(parts.log, [`metadata is ${state}, its copy is used`]);
  }
});

test('chooseMetadata: a copy of a queue that has no segments left counts for nothing', () => {
  const parts = setUp(undefined);
  parts.disk.delete(FILES.segment(1));

  assert.deepStrictEqual(chooseMetadata(parts.context), asOnDisk('missing'));
});

test('chooseMetadata: where segments before the one that the copy names are left, they are read', () => {
  const parts = setUp(undefined);
  parts.disk.put(FILES.segment(0), records('older'));

  assert.deepStrictEqual(
    chooseMetadata(parts.context),
    fromCopy({ ...METADATA, readSegment: 0, readPosition: 0 }),
  );
});

test('chooseMetadata: a copy is right if the segment that it names is gone and none is before it', () => {
  const parts = setUp(undefined, { ...METADATA, writeSegment: 2, writePosition: SIZE });
  parts.disk.delete(FILES.segment(1));
  parts.disk.put(FILES.segment(2), records('e'));

  const { metadata } = chooseMetadata(parts.context);

  assert.deepStrictEqual(metadata, { ...METADATA, writeSegment: 2, writePosition: SIZE });
});

test('chooseMetadata: where the copy names a segment of other records, that is read from its start', () => {
  const parts = setUp(undefined);
  exchangeSegment(parts);

  assert.deepStrictEqual(chooseMetadata(parts.context), fromCopy({ ...METADATA, readPosition: 0 }));
});

test('chooseMetadata: where good metadata names a segment of other records, that is read from its start', () => {
  const parts = setUp(METADATA);
  exchangeSegment(parts);

  const choice = chooseMetadata(parts.context);

  assert.deepStrictEqual(choice, fromCopy({ ...METADATA, readPosition: 0 }));
  assert.deepStrictEqual(parts.log, [
    'segment 1 is not the one that metadata names, it is read from its start',
  ]);
});

test('chooseMetadata: a damaged record does not make its segment another one', () => {
  const parts = setUp(METADATA);
  const bytes = records('a', 'b', 'c', 'd');
  bytes[2 * SIZE + 5] ^= 1;
  parts.disk.put(FILES.segment(1), bytes);

  assert.deepStrictEqual(chooseMetadata(parts.context), asOnDisk(METADATA));
});

test('chooseMetadata: of an empty queue the copy is not read', () => {
  const empty = { ...METADATA, depth: 0, readPosition: 4 * SIZE };
  const parts = setUp(empty);
  failReadingCopy(parts);

  assert.deepStrictEqual(chooseMetadata(parts.context), asOnDisk(empty));
  assert.deepStrictEqual(parts.log, []);
});

test('chooseMetadata: metadata is believed while its copy cannot be read', () => {
  const parts = setUp(OLDER);
  failReadingCopy(parts);

  assert.deepStrictEqual(chooseMetadata(parts.context), asOnDisk(OLDER));
  assert.match(parts.log.join(), /^metadata is not checked - .*EIO/);
});

test('chooseMetadata: a copy that is needed and cannot be read is an error', () => {
  const parts = setUp(undefined);
  failReadingCopy(parts);

  assert.throws(() => chooseMetadata(parts.context), /read copy of metadata/);
});
