import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueueFiles } from '../../../../../src/workers/disk/files/queue-files.ts';
import {
  readMetadataCopy,
  writeMetadataCopy,
} from '../../../../../src/workers/disk/metadata/metadata-copy.ts';
import { formatMetadata } from '../../../../../src/workers/disk/metadata/queue-metadata.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

const FILES = new QueueFiles('/data', 'q');
const METADATA = {
  depth: 12,
  readSegment: 3,
  readPosition: 456,
  writeSegment: 7,
  writePosition: 89,
};

function makeDisk(): MemoryFileSystem {
  const disk = new MemoryFileSystem('/data');
  writeMetadataCopy(disk, FILES, formatMetadata(METADATA), '');
  return disk;
}

test('metadata copy: is read as it was written, in place of the one before', () => {
  const disk = makeDisk();
  const next = { ...METADATA, depth: 1 };

  writeMetadataCopy(disk, FILES, formatMetadata(next), formatMetadata(METADATA));

  assert.deepStrictEqual(readMetadataCopy(disk, FILES), {
    metadata: next,
    previousText: formatMetadata(METADATA),
  });
  assert.equal(disk.openCount, 0);
});

test('metadata copy: begins with the text of the metadata', () => {
  const text = makeDisk().content(FILES.metadataCopy).toString('latin1');

  assert.match(text, /^12\n3,456\n7,89\n[0-9a-f]{8}\n$/);
});

test('metadata copy: one that is missing, cut off or changed in any byte is none', () => {
  const disk = makeDisk();
  const whole = disk.content(FILES.metadataCopy);
  let found = 0;
  for (let size = 0; size < whole.length; size++) {
    disk.put(FILES.metadataCopy, whole.subarray(0, size));
    if (readMetadataCopy(disk, FILES) !== undefined) found++;
    for (let mask = 1; mask < 256; mask++) {
      const changed = Buffer.from(whole);
      changed[size] ^= mask;
      disk.put(FILES.metadataCopy, changed);
      if (readMetadataCopy(disk, FILES) !== undefined) found++;
    }
  }
  disk.put(FILES.metadataCopy, Buffer.concat([whole, whole]));
  const twice = readMetadataCopy(disk, FILES);
  disk.delete(FILES.metadataCopy);
  const removed = readMetadataCopy(disk, FILES);

  assert.deepStrictEqual([found, twice, removed], [0, undefined, undefined]);
});

test('metadata copy: what cannot be read or written is an error', () => {
  const disk = makeDisk();
  disk.onCall = (action, path) => {
    throw new SystemError('EACCES', action, path);
  };

  assert.throws(() => readMetadataCopy(disk, FILES), /read copy of metadata q\.diskqueue\.meta/);
  assert.throws(() => writeMetadataCopy(disk, FILES, '', ''), /write copy of metadata/);
});
