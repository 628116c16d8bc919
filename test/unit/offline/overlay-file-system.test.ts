import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OverlayFileSystem } from '../../../src/offline/overlay-file-system.ts';
import type { FileHandle, FileSystem } from '../../../src/workers/disk/files/file-system.ts';
import { MemoryFileSystem } from '../../support/memory-file-system.ts';
import { freshSeed, seededRandom } from '../../support/seeded-random.ts';

const STEPS = 2000;
const FILE_BYTES = 20_000;
const PATHS = ['/data/a', '/data/b', '/data/c'];

function open(files: FileSystem, path: string): FileHandle {
  const handle = files.openForWriting(path);
  return handle === 'missing' ? files.createOrEmpty(path) : handle;
}

function contentOf(files: FileSystem, path: string): Buffer | 'missing' {
  const handle = files.openForReading(path);
  if (handle === 'missing') return 'missing';
  const bytes = Buffer.alloc(2 * FILE_BYTES);
  const length = files.read(handle, bytes, 0, bytes.length, 0);
  files.close(handle);
  return bytes.subarray(0, length);
}

test('OverlayFileSystem: reads back what a disk would, and leaves the disk below as it is', (t) => {
  const seed = freshSeed();
  t.diagnostic(`seed ${seed}`);
  const below = seededRandom(seed);
  const disk = new MemoryFileSystem('/data');
  const model = new MemoryFileSystem('/data');
  for (const files of [disk, model]) files.put('/data/a', Buffer.alloc(FILE_BYTES, 'a'));
  const before = disk.image();
  const overlay = new OverlayFileSystem(disk);

  for (let step = 0; step < STEPS; step++) {
    const path = PATHS[below(PATHS.length)];
    const other = PATHS[below(PATHS.length)];
    const [action, position, length] = [below(10), below(FILE_BYTES), below(9000)];
    const bytes = Buffer.alloc(length, step);
    for (const files of [overlay, model]) {
      if (action === 0) files.remove(path);
      else if (action === 1) {
        if (path !== other && files.size(path) !== 'missing') files.rename(path, other);
      } else {
        const handle = open(files, path);
        if (action === 2) files.truncate(handle, position);
        else files.write(handle, bytes, 0, length, position);
        files.close(handle);
      }
    }
    assert.deepEqual(contentOf(overlay, path), contentOf(model, path), `step ${step}`);
    assert.deepEqual(overlay.size(other), model.size(other), `step ${step}`);
  }

  assert.deepEqual(overlay.list('/data').sort(), model.list('/data').sort());
  assert.equal(disk.image(), before);
  assert.equal(disk.openCount, 0);
});

test('OverlayFileSystem: missing files are values, and a removed file has no name', () => {
  const disk = new MemoryFileSystem('/data');
  disk.put('/data/a', Buffer.from('a'));
  const overlay = new OverlayFileSystem(disk);
  const handle = open(overlay, '/data/a');

  assert.equal(overlay.openForReading('/data/none'), 'missing');
  assert.equal(overlay.create('/data/a'), 'exists');
  assert.equal(overlay.remove('/data/none'), false);
  assert.equal(overlay.isLinked(handle), true);
  assert.equal(overlay.remove('/data/a'), true);
  assert.equal(overlay.isLinked(handle), false);
  assert.equal(overlay.size('/data/a'), 'missing');
  assert.throws(() => overlay.rename('/data/none', '/data/b'), { code: 'ENOENT' });
  assert.throws(() => overlay.list('/other'), { code: 'ENOENT' });
  overlay.makeDirectory('/other');
  assert.deepEqual(overlay.list('/other'), []);
  assert.throws(() => overlay.read(99, Buffer.alloc(1), 0, 1, 0), { code: 'EBADF' });
});
