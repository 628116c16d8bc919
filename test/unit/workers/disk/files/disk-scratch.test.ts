import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskScratch } from '../../../../../src/workers/disk/files/disk-scratch.ts';

class Notes {
  readonly lines: string[] = [];
}

class Sketch {
  readonly marks: number[] = [];
}

test('DiskScratch: a thread has one object of each class, another thread its own', () => {
  const scratch = new DiskScratch();
  const notes = scratch.shared(Notes);
  notes.lines.push('kept');

  assert.equal(scratch.shared(Notes), notes);
  assert.deepStrictEqual(scratch.shared(Sketch).marks, []);
  assert.deepStrictEqual(new DiskScratch().shared(Notes).lines, []);
});

test('DiskScratch: every buffer is allocated once, and none overlaps another', () => {
  const scratch = new DiskScratch();
  const buffersOf = (): Buffer[] => [
    scratch.front,
    scratch.laterFront,
    scratch.records,
    scratch.draft,
    scratch.states.bytes,
    scratch.checksums.bytes,
  ];
  const buffers = buffersOf();

  // Not `assert.equal`, which would show the difference of two large buffers.
  assert.ok(buffersOf().every((buffer, index) => buffer === buffers[index]));
  assert.equal(new Set(buffers.map(({ buffer }) => buffer)).size, buffers.length);
});

test('SharedBlock: its view shows its bytes', () => {
  const { bytes, view } = new DiskScratch().checksums;
  bytes.writeUInt32BE(0xdead_beef, 4);

  assert.equal(view.getUint32(4), 0xdead_beef);
  assert.equal(view.byteLength, bytes.length);
});
