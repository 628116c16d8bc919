import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFiles } from '../../../src/embedded/memory-files.ts';

function written(files: MemoryFiles, path: string, text: string): number {
  const handle = files.create(path);
  assert.ok(handle !== 'exists');
  files.write(handle, Buffer.from(text), 0, text.length, 0);
  return handle;
}

function content(files: MemoryFiles, path: string): string | null {
  const handle = files.openForReading(path);
  if (handle === 'missing') return null;
  const bytes = Buffer.alloc(64);
  const length = files.read(handle, bytes, 0, bytes.length, 0);
  files.close(handle);
  return bytes.toString('latin1', 0, length);
}

test('MemoryFiles: what is written is read, under the name that a file has now', () => {
  const files = new MemoryFiles('/data');
  const handle = written(files, '/data/a', 'hello');

  files.write(handle, Buffer.from('xHEY'), 1, 3, 2);
  files.rename('/data/a', '/data/b');

  assert.deepEqual([content(files, '/data/a'), content(files, '/data/b')], [null, 'heHEY']);
  assert.deepEqual(
    [files.size('/data'), files.size('/data/b'), files.size('/data/a')],
    [0, 5, 'missing'],
  );
  assert.deepEqual([files.list('/data'), files.create('/data/b')], [['b'], 'exists']);
});

test('MemoryFiles: a hole and what follows a truncation are zero', () => {
  const files = new MemoryFiles('/data');
  const handle = written(files, '/data/a', 'hello');

  files.truncate(handle, 2);
  files.write(handle, Buffer.from('!'), 0, 1, 4);

  assert.equal(content(files, '/data/a'), 'he\0\0!');
});

test('MemoryFiles: an open file outlives its name, and gives its room back afterwards', () => {
  const files = new MemoryFiles('/data', 5);
  const handle = written(files, '/data/a', 'hello');

  const wasThere = [files.remove('/data/a'), files.remove('/data/a')];
  const isLinked = files.isLinked(handle);
  const other = files.createOrEmpty('/data/b');
  assert.throws(() => files.write(other, Buffer.from('x'), 0, 1, 0), { code: 'ENOSPC' });
  files.close(handle);
  files.write(other, Buffer.from('world'), 0, 5, 0);

  assert.deepEqual([wasThere, isLinked], [[true, false], false]);
  assert.equal(content(files, '/data/b'), 'world');
  assert.throws(() => files.read(handle, Buffer.alloc(1), 0, 1, 0), { code: 'EBADF' });
});
