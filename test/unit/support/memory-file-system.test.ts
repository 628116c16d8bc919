import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chooser } from '../../support/memory-file.ts';
import { MemoryFileSystem } from '../../support/memory-file-system.ts';
import { SystemError } from '../../support/system-error.ts';

const PATH = '/data/file';

/** Nothing survives that is not durable. */
const oldest: Chooser = () => 0;
const latest: Chooser = (count) => count - 1;

/** Picks these, one after the other, then always the latest. */
function picking(...picks: readonly number[]): Chooser {
  let index = 0;
  return (count) => picks[index++] ?? count - 1;
}

/** A disk with one durable file. */
function diskWith(text: string): MemoryFileSystem {
  const disk = new MemoryFileSystem('/data');
  write(disk, disk.createOrEmpty(PATH), text, 0);
  sync(disk, PATH);
  disk.syncDirectory('/data');
  return disk;
}

function write(disk: MemoryFileSystem, handle: number, text: string, position: number): void {
  const bytes = Buffer.from(text);
  disk.write(handle, bytes, 0, bytes.length, position);
  disk.close(handle);
}

function open(disk: MemoryFileSystem, path: string): number {
  const handle = disk.openForWriting(path);
  assert.ok(handle !== 'missing');
  return handle;
}

function sync(disk: MemoryFileSystem, path: string): void {
  const handle = open(disk, path);
  disk.sync(handle);
  disk.close(handle);
}

function textAfter(disk: MemoryFileSystem, choose: Chooser): string {
  return disk.afterPowerLoss(choose).content(PATH).toString();
}

test('MemoryFileSystem: what was synced survives a power loss, the rest if it happens to', () => {
  const disk = diskWith('durable');
  write(disk, open(disk, PATH), ', not yet', 7);

  const after = [oldest, latest].map((choose) => textAfter(disk, choose));

  assert.deepStrictEqual(after, ['durable', 'durable, not yet']);
});

test('MemoryFileSystem: a file that grows may end anywhere, with zeros where nothing was written', () => {
  const disk = diskWith('ab');
  write(disk, open(disk, PATH), 'cdef', 2);

  // size, content, where that is torn; a write is two pieces, so there are three of the former
  const torn = textAfter(disk, picking(2, 1, 1));

  assert.strictEqual(torn, 'abc\0\0\0');
});

test('MemoryFileSystem: what is written over is the old or the new', () => {
  const disk = diskWith('old');
  write(disk, open(disk, PATH), 'NEW', 0);

  const found = new Set<string>();
  for (let pick = 0; pick < 2; pick++) found.add(textAfter(disk, picking(0, pick, 0)));

  assert.deepStrictEqual([...found], ['old', 'NEW']);
});

test('MemoryFileSystem: sectors survive each for itself', () => {
  const disk = diskWith('');
  write(disk, open(disk, PATH), `${'a'.repeat(512)}${'b'.repeat(512)}`, 0);

  const after = disk.afterPowerLoss(picking(2, 0, 1)).content(PATH);

  assert.deepStrictEqual([after[0], after[512], after.length], [0, 98, 1024]);
});

test('MemoryFileSystem: a new name is durable when its directory is synced', () => {
  const disk = diskWith('');
  write(disk, disk.createOrEmpty('/data/new'), 'synced', 0);
  sync(disk, '/data/new');

  const before = disk.afterPowerLoss(oldest).names('/data');
  disk.syncDirectory('/data');
  const after = disk.afterPowerLoss(oldest).names('/data');

  assert.deepStrictEqual([before, after], [['file'], ['file', 'new']]);
});

test('MemoryFileSystem: a rename is lost as a whole or not at all', () => {
  const disk = diskWith('old');
  write(disk, disk.createOrEmpty('/data/new'), 'new', 0);
  sync(disk, '/data/new');
  disk.syncDirectory('/data');
  disk.rename('/data/new', PATH);

  const states = [oldest, latest].map((choose) => {
    const after = disk.afterPowerLoss(choose);
    return [after.names('/data'), after.content(PATH).toString()];
  });

  assert.deepStrictEqual(states, [
    [['file', 'new'], 'old'],
    [['file'], 'new'],
  ]);
});

test('MemoryFileSystem: a directory that is lost takes its files with it', () => {
  const disk = new MemoryFileSystem('/data');
  disk.makeDirectory('/data/in');
  write(disk, disk.createOrEmpty('/data/in/file'), 'text', 0);
  sync(disk, '/data/in/file');
  disk.syncDirectory('/data/in');

  const before = disk.afterPowerLoss(oldest).image();
  disk.syncDirectory('/data');
  const after = disk.afterPowerLoss(oldest).image();

  assert.strictEqual(before, '/data directory');
  assert.strictEqual(after, '/data directory\n/data/in directory\n/data/in/file text');
});

test('MemoryFileSystem: a removed file comes back until its directory is synced', () => {
  const disk = diskWith('text');
  disk.remove(PATH);

  const before = disk.afterPowerLoss(oldest).names('/data');
  disk.syncDirectory('/data');
  const after = disk.afterPowerLoss(oldest).names('/data');

  assert.deepStrictEqual([before, after], [['file'], []]);
});

test('MemoryFileSystem: after a failed sync only what is written again becomes durable', () => {
  const disk = diskWith('old');
  const handle = open(disk, PATH);
  disk.write(handle, Buffer.from('new'), 0, 3, 0);
  disk.onCall = () => {
    throw new SystemError('EIO', 'sync', PATH);
  };
  assert.throws(() => disk.sync(handle), { code: 'EIO' });
  disk.onCall = () => undefined;
  disk.sync(handle);
  const notWritten = textAfter(disk, oldest);

  disk.write(handle, Buffer.from('new'), 0, 3, 0);
  disk.sync(handle);

  assert.deepStrictEqual([notWritten, textAfter(disk, oldest)], ['old', 'new']);
});

test('MemoryFileSystem: SIGKILL leaves everything as it was written, and no more durable than before', () => {
  const disk = diskWith('old');
  const handle = open(disk, PATH);
  disk.write(handle, Buffer.from('new'), 0, 3, 0);

  const after = disk.afterKill();

  assert.strictEqual(after.openCount, 0);
  assert.strictEqual(after.content(PATH).toString(), 'new');
  assert.strictEqual(textAfter(after, oldest), 'old');
});

test('MemoryFileSystem: what happens after a kill does not reach the disk it was taken from', () => {
  const disk = diskWith('old');
  const after = disk.afterKill();

  write(after, open(after, PATH), 'new', 0);
  after.remove(PATH);

  assert.strictEqual(disk.content(PATH).toString(), 'old');
});

test('MemoryFileSystem: a truncated file may have its old size or the new one', () => {
  const disk = diskWith('a text');
  const handle = open(disk, PATH);
  disk.truncate(handle, 1);

  const before = textAfter(disk, oldest);
  disk.sync(handle);

  assert.deepStrictEqual([before, textAfter(disk, oldest)], ['a text', 'a']);
});
