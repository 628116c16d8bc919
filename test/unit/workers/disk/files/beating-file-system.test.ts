import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BeatingFileSystem } from '../../../../../src/workers/disk/files/file-system.ts';

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
