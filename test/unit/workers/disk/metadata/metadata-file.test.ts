import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ForeignChecksums } from '../../../../../src/workers/disk/checksums/foreign-checksums.ts';
import { OpenFiles } from '../../../../../src/workers/disk/files/open-files.ts';
import { QueueFiles } from '../../../../../src/workers/disk/files/queue-files.ts';
import { SidecarPatience } from '../../../../../src/workers/disk/files/sidecar-patience.ts';
import { readMetadataCopy } from '../../../../../src/workers/disk/metadata/metadata-copy.ts';
import {
  MetadataFile,
  SegmentNames,
} from '../../../../../src/workers/disk/metadata/metadata-file.ts';
import {
  formatMetadata,
  type QueueMetadata,
} from '../../../../../src/workers/disk/metadata/queue-metadata.ts';
import { DATA_PATH } from '../../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

const FILES = new QueueFiles(DATA_PATH, 'q');

/** Metadata of a queue with this many records of ten bytes in its first segment. */
function withDepth(depth: number): QueueMetadata {
  return { depth, readSegment: 0, readPosition: 0, writeSegment: 0, writePosition: depth * 10 };
}

type Bench = {
  readonly disk: MemoryFileSystem;
  readonly metadata: MetadataFile;
  readonly foreign: ForeignChecksums;
  readonly log: string[];
  /** The calls that change the disk, with the last part of the name. */
  readonly calls: string[];
};

function makeBench(onDisk: QueueMetadata | undefined, doesCopyCount = false): Bench {
  const disk = new MemoryFileSystem(DATA_PATH, FILES.sidecarDirectory);
  if (onDisk !== undefined) disk.put(FILES.metadata, Buffer.from(formatMetadata(onDisk)));
  const log: string[] = [];
  const calls: string[] = [];
  const options = {
    fileSystem: disk,
    files: FILES,
    log: (_: number, text: string) => log.push(text),
    openFiles: new OpenFiles(disk),
    patience: new SidecarPatience(),
  };
  const foreign = new ForeignChecksums(options);
  const metadata = new MetadataFile(options, foreign, onDisk, doesCopyCount);
  disk.onCall = (call, path) => {
    if (['write', 'rename', 'syncDirectory'].includes(call)) {
      calls.push(`${call} ${path.slice(path.lastIndexOf('.') + 1)}`);
    }
  };
  return { disk, metadata, foreign, log, calls };
}

function failOn(disk: MemoryFileSystem, action: string, path: string): void {
  disk.onCall = (call, name) => {
    if (call === action && name === path) throw new SystemError('EIO', call, name);
  };
}

function onDisk(disk: MemoryFileSystem): string {
  return disk.content(FILES.metadata).toString();
}

test('MetadataFile: what is written outlives a power loss, what is placed need not', () => {
  const { disk, metadata } = makeBench(withDepth(1));

  metadata.write(withDepth(2));
  metadata.place(withDepth(3));

  assert.equal(onDisk(disk.afterKill()), formatMetadata(withDepth(3)));
  assert.equal(onDisk(disk.afterPowerLoss(() => 0)), formatMetadata(withDepth(2)));
  metadata.makeDurable();
  assert.equal(onDisk(disk.afterPowerLoss(() => 0)), formatMetadata(withDepth(3)));
});

test('MetadataFile: the same metadata is not written twice, and synced once', () => {
  const { metadata, calls } = makeBench(undefined);
  metadata.write(withDepth(1));
  const count = calls.length;

  metadata.write(withDepth(1));

  assert.ok(count > 0);
  assert.equal(calls.length, count);
});

test('MetadataFile: metadata of an earlier process is synced, as that may have been killed before', () => {
  const { metadata, calls } = makeBench(withDepth(1));

  metadata.write(withDepth(1));

  assert.deepStrictEqual(
    calls.map((call) => call.split(' ')[0]),
    ['syncDirectory'],
  );
});

test('MetadataFile: the copy is there before the metadata, and knows what it replaces', () => {
  const { disk, metadata } = makeBench(withDepth(1));
  let copy: ReturnType<typeof readMetadataCopy>;
  let metadataThen = '';
  const old = disk.onCall;
  disk.onCall = (call, path) => {
    old(call, path);
    if (call !== 'rename' || copy !== undefined) return;
    disk.onCall = () => undefined;
    metadataThen = onDisk(disk);
    copy = readMetadataCopy(disk, FILES);
  };

  metadata.place(withDepth(2));

  assert.equal(metadataThen, formatMetadata(withDepth(1)));
  assert.deepStrictEqual(copy, {
    metadata: withDepth(2),
    previousText: formatMetadata(withDepth(1)),
  });
});

test('MetadataFile: a copy that tells where the queue begins stays until the metadata is written', () => {
  const { disk, metadata } = makeBench(undefined, true);
  disk.put(FILES.metadataCopy, Buffer.from('the copy that counts'));
  failOn(disk, 'rename', FILES.temporary);

  assert.throws(() => metadata.place(withDepth(2)), /write metadata/);
  const kept = disk.content(FILES.metadataCopy).toString();
  disk.onCall = () => undefined;
  metadata.place(withDepth(2));

  assert.equal(kept, 'the copy that counts');
  assert.deepStrictEqual(readMetadataCopy(disk, FILES)?.metadata, withDepth(2));
});

test('MetadataFile: after a write that failed, it is written again although it may be there', () => {
  const { disk, metadata } = makeBench(withDepth(1));
  failOn(disk, 'syncDirectory', DATA_PATH);
  assert.throws(() => metadata.write(withDepth(2)), /sync metadata/);
  const isOlder = metadata.isOlderThan(withDepth(2));
  const renames: string[] = [];
  disk.onCall = (call, path) => {
    if (call === 'rename') renames.push(path);
  };

  metadata.write(withDepth(2));

  assert.equal(isOlder, false);
  assert.deepStrictEqual(renames, [FILES.temporary]);
  assert.equal(onDisk(disk.afterPowerLoss(() => 0)), formatMetadata(withDepth(2)));
});

test('MetadataFile: a copy that cannot be written is said once, and an old one is removed', () => {
  const { disk, metadata, log } = makeBench(withDepth(1));
  metadata.place(withDepth(2));
  disk.onCall = (call, path) => {
    if (call !== 'remove' && path.endsWith('.copy')) throw new SystemError('EIO', call, path);
  };

  metadata.place(withDepth(3));
  metadata.place(withDepth(4));
  disk.onCall = () => undefined;

  assert.equal(log.length, 1);
  assert.equal(disk.size(FILES.metadataCopy), 'missing');
  assert.equal(onDisk(disk), formatMetadata(withDepth(4)));
});

test('MetadataFile: an old copy that cannot be removed keeps records out four times, not longer', () => {
  const { disk, metadata, log } = makeBench(undefined);
  disk.put(FILES.metadataCopy, Buffer.from('of an earlier queue'));
  failOn(disk, 'remove', FILES.metadataCopy);

  for (let attempt = 0; attempt < 4; attempt++) {
    assert.throws(() => metadata.removeOldCopy(), /remove copy of metadata/);
  }
  assert.deepStrictEqual(log, []);
  metadata.removeOldCopy();

  assert.match(log.join(), /it is left there/);
});

test('MetadataFile: is removed with its copy, and the next metadata is written anew', () => {
  const { disk, metadata } = makeBench(withDepth(1));
  metadata.write(withDepth(2));

  metadata.remove();
  const names = [...disk.names(DATA_PATH), ...disk.names(FILES.sidecarDirectory)];
  metadata.write(withDepth(2));

  assert.deepStrictEqual(names, []);
  assert.equal(onDisk(disk), formatMetadata(withDepth(2)));
});

test('MetadataFile: checksums of other records go before the metadata that they contradict', () => {
  const { disk, metadata, foreign } = makeBench(withDepth(1));
  disk.put(FILES.checksums(0), Buffer.from('of other records'));
  foreign.add(0);
  failOn(disk, 'rename', FILES.temporary);

  assert.throws(() => metadata.place(withDepth(2)), /write metadata/);

  assert.equal(disk.size(FILES.checksums(0)), 'missing');
});

test('SegmentNames: an append that is undone brings back the metadata from before its first segment', () => {
  const { disk, metadata } = makeBench(withDepth(1));
  const names = new SegmentNames(metadata, () => ({ depth: 1, readSegment: 0, readPosition: 0 }));

  names.name(1, 4);
  const named = onDisk(disk);
  names.name(2, 7);
  metadata.makeDurable();
  names.takeBack();

  assert.equal(named, '5\n0,0\n1,0\n');
  assert.equal(onDisk(disk.afterPowerLoss(() => 0)), formatMetadata(withDepth(1)));
});

test('SegmentNames: an append that is kept is not undone by a later one', () => {
  const { disk, metadata } = makeBench(withDepth(1));
  const names = new SegmentNames(metadata, () => ({ depth: 1, readSegment: 0, readPosition: 0 }));
  names.name(1, 4);
  names.keep();

  names.takeBack();

  assert.equal(onDisk(disk), '5\n0,0\n1,0\n');
});
