import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileHandles } from '../../support/file-handles.ts';

test('FileHandles: a handle stands for its file until it is closed, and for no other one after', () => {
  const handles = new FileHandles<string>();
  const first = handles.open('/a', 'file', false);
  handles.close(first);
  const second = handles.open('/a', 'file', true);

  assert.notEqual(second, first);
  assert.deepStrictEqual([handles.count, handles.get(second).path], [1, '/a']);
  assert.throws(() => handles.get(first), { code: 'EBADF' });
});

test('FileHandles: a file that is open for reading only cannot be written', () => {
  const handles = new FileHandles<string>();
  const readable = handles.open('/a', 'one', false);
  const writable = handles.open('/b', 'another', true);

  assert.deepStrictEqual(
    [handles.get(readable).file, handles.getWritable(writable).file],
    ['one', 'another'],
  );
  assert.throws(() => handles.getWritable(readable), { code: 'EBADF' });
});
