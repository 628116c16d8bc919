import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  BeatingFileSystem,
  type FileSystem,
  NodeFileSystem,
} from '../../../../../src/workers/disk/files/file-system.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';

interface Place {
  readonly fileSystem: FileSystem;
  readonly directory: string;
}

function realPlace(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return { fileSystem: new NodeFileSystem(), directory };
}

function memoryPlace(): Place {
  return { fileSystem: new MemoryFileSystem('/memory'), directory: '/memory' };
}

/** Does one of everything and writes down what came of it. */
function exercise({ fileSystem, directory }: Place): unknown[] {
  const path = join(directory, 'a');
  const results: unknown[] = [
    fileSystem.openForReading(path),
    fileSystem.openForWriting(path),
    fileSystem.size(path),
    fileSystem.remove(path),
  ];
  const handle = fileSystem.create(path);
  if (handle === 'exists') throw new Error('it did not exist');
  const shared = Buffer.from(new SharedArrayBuffer(16));
  shared.write('0123456789abcdef');
  fileSystem.write(handle, shared, 2, 5, 3);
  fileSystem.sync(handle);
  fileSystem.syncData(handle);
  const target = Buffer.from(new SharedArrayBuffer(16)).fill('.');
  results.push(fileSystem.create(path), fileSystem.size(path));
  results.push(fileSystem.read(handle, target, 1, 9, 2), target.toString('latin1'));
  fileSystem.truncate(handle, 4);
  results.push(fileSystem.size(path), fileSystem.read(handle, target, 0, 9, 4));
  fileSystem.rename(path, `${path}2`);
  fileSystem.syncDirectory(directory);
  results.push(fileSystem.list(directory), fileSystem.isLinked(handle));
  results.push(fileSystem.remove(`${path}2`), fileSystem.isLinked(handle));
  fileSystem.close(handle);
  const replaced = fileSystem.createOrEmpty(path);
  fileSystem.write(replaced, shared, 0, 4, 0);
  fileSystem.close(replaced);
  fileSystem.close(fileSystem.createOrEmpty(path));
  results.push(fileSystem.size(path), typeof fileSystem.size(directory));
  return results;
}

test('NodeFileSystem: does what the disk in memory does', (t) => {
  const real = exercise(realPlace(t));
  const memory = exercise(memoryPlace());

  assert.deepEqual(real, [
    'missing',
    'missing',
    'missing',
    false,
    'exists',
    8,
    6,
    '.\x0023456.........',
    4,
    0,
    ['a2'],
    true,
    true,
    false,
    0,
    'number',
  ]);
  assert.deepEqual(memory, real);
});

test('NodeFileSystem: files are for their owner only', (t) => {
  const { fileSystem, directory } = realPlace(t);
  const path = join(directory, 'a');

  const handle = fileSystem.create(path);
  if (handle !== 'exists') fileSystem.close(handle);

  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('NodeFileSystem: a directory is for its owner only, and may be there', (t) => {
  const { fileSystem, directory } = realPlace(t);
  const path = join(directory, 'hidden');

  fileSystem.makeDirectory(path);
  fileSystem.makeDirectory(path);

  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.throws(() => fileSystem.makeDirectory(join(directory, 'none', 'a')), { code: 'ENOENT' });
});

test('NodeFileSystem: a file that was removed by someone else has no name', (t) => {
  const { fileSystem, directory } = realPlace(t);
  const path = join(directory, 'a');
  const handle = fileSystem.create(path);
  assert.ok(handle !== 'exists');

  unlinkSync(path);
  const isLinked = fileSystem.isLinked(handle);
  fileSystem.close(handle);

  assert.equal(isLinked, false);
  assert.throws(() => readFileSync(path), { code: 'ENOENT' });
});

test('NodeFileSystem: other errors than a missing file are thrown as they are', (t) => {
  const { fileSystem, directory } = realPlace(t);

  assert.throws(() => fileSystem.create(join(directory, 'none', 'a')), { code: 'ENOENT' });
  assert.throws(() => fileSystem.list(join(directory, 'none')), { code: 'ENOENT' });
  assert.throws(() => fileSystem.openForWriting(directory), { code: 'EISDIR' });
});

test('BeatingFileSystem: shows each call that may take long before it begins', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'beating-'));
  t.after(() => rmSync(directory, { recursive: true }));
  let beats = 0;
  const disk = new BeatingFileSystem({ beat: () => beats++ });
  const path = join(directory, 'a');
  const counts: number[] = [];
  const count = (): void => void counts.push(beats);

  const handle = disk.create(path);
  count();
  assert.ok(handle !== 'exists');
  disk.write(handle, Buffer.from('text'), 0, 4, 0);
  count();
  disk.sync(handle);
  count();
  const read = Buffer.alloc(4);
  disk.read(handle, read, 0, 4, 0);
  count();
  disk.close(handle);
  disk.rename(path, join(directory, 'b'));
  count();
  disk.syncDirectory(directory);
  count();

  assert.deepEqual(counts, [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([read.toString(), disk.list(directory)], ['text', ['b']]);
});
