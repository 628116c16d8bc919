import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenFiles } from '../../../../../src/workers/disk/files/open-files.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

const DIRECTORY = '/data';
const BYTES = Buffer.from('0123456789');
const PATHS = ['a', 'b', 'c'].map((name) => `${DIRECTORY}/${name}`);

function failSyncs(disk: MemoryFileSystem): void {
  disk.onCall = (action, path) => {
    if (action === 'sync') throw new SystemError('EIO', action, path);
  };
}

test('OpenFiles: a sync that failed to make room is told, whatever happens to the file before', () => {
  const disk = new MemoryFileSystem(DIRECTORY);
  const openFiles = new OpenFiles(disk, 1);
  const [a, b] = PATHS;
  for (const path of [a, b]) openFiles.create(path);
  openFiles.sync(a);
  openFiles.write(a, BYTES, 0, 10, 0);
  failSyncs(disk);
  openFiles.size(b);
  openFiles.read(b, Buffer.alloc(1), 0, 1, 0);
  disk.onCall = () => undefined;

  openFiles.read(a, Buffer.alloc(10), 0, 10, 0);
  openFiles.write(a, BYTES, 0, 10, 10);

  assert.throws(() => openFiles.sync(a), /close segment a/);
  openFiles.sync(a);
});

test('OpenFiles: a sync that failed is forgotten with its file', () => {
  for (const forget of ['close', 'closeAll', 'remove'] as const) {
    const disk = new MemoryFileSystem(DIRECTORY);
    const openFiles = new OpenFiles(disk, 1);
    const [a, b] = PATHS;
    openFiles.create(a);
    failSyncs(disk);
    openFiles.create(b);
    disk.onCall = () => undefined;

    openFiles[forget](a);

    openFiles.create(a);
    openFiles.sync(a);
  }
});

test('OpenFiles: room is made with files that need no sync, the one used longest ago first', () => {
  const disk = new MemoryFileSystem(DIRECTORY);
  const openFiles = new OpenFiles(disk, 4);
  const [a, b, c] = PATHS;
  openFiles.create(a);
  openFiles.create(b);
  openFiles.sync(b);
  openFiles.writeAid(c, BYTES, 0, 10, 0);
  openFiles.create(`${DIRECTORY}/d`);
  const calls: string[] = [];
  disk.onCall = (action, path) => {
    if (['sync', 'close'].includes(action)) calls.push(`${action} ${path}`);
  };

  for (const name of ['e', 'f', 'g']) openFiles.create(`${DIRECTORY}/${name}`);

  assert.deepStrictEqual(calls, [`close ${b}`, `close ${c}`, `sync ${a}`, `close ${a}`]);
});

test('OpenFiles: an aid is created where it is missing, its directory too, and never synced', () => {
  const disk = new MemoryFileSystem(DIRECTORY);
  const openFiles = new OpenFiles(disk, 2);
  const calls: string[] = [];
  disk.onCall = (action) => calls.push(action);
  const path = `${DIRECTORY}/.aids/a`;

  openFiles.writeAid(path, BYTES, 0, 10, 0);
  openFiles.writeAid(path, BYTES, 0, 10, 10);
  for (const other of PATHS) openFiles.writeAid(other, BYTES, 2, 3, 0);

  assert.equal(disk.content(path).toString(), '01234567890123456789');
  assert.equal(disk.content(PATHS[2]).toString(), '234');
  assert.deepStrictEqual([openFiles.count, calls.includes('sync')], [2, false]);
  assert.deepStrictEqual(calls.slice(0, 6), [
    'openForWriting',
    'create',
    'makeDirectory',
    'create',
    'write',
    'write',
  ]);
});

test('OpenFiles: an aid that cannot be written is an error with its name', () => {
  const disk = new MemoryFileSystem(DIRECTORY);
  const openFiles = new OpenFiles(disk);
  for (const failing of ['openForWriting', 'create', 'write']) {
    disk.onCall = (action, path) => {
      if (action === failing) throw new SystemError('EIO', action, path);
    };
    assert.throws(() => openFiles.writeAid(PATHS[0], BYTES, 0, 10, 0), / a$/);
    disk.onCall = () => undefined;
  }
  openFiles.writeAid(PATHS[0], BYTES, 0, 10, 0);

  assert.equal(disk.content(PATHS[0]).toString(), '0123456789');
});
