import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandWriter } from '../../../../src/main/pumps/command-writer.ts';
import * as records from '../../../../src/shared/records.ts';
import { EMPTY, RingReader } from '../../../../src/shared/ring/ring.ts';
import { ringMemoryAt } from '../../../support/ring-memory.ts';

/** A writer with the reading end of its ring; `take` publishes and reads everything, `read` does only the latter. */
function makeWriter(capacity = 128 * 1024) {
  const memory = ringMemoryAt(capacity, 0);
  const ring = new RingReader(memory);
  const asked = { flushes: 0 };
  const writer = new CommandWriter(memory, () => {
    asked.flushes++;
  });
  const read = (): number[][] => {
    const taken: number[][] = [];
    ring.look();
    for (let type = ring.front(); type !== EMPTY; type = ring.front()) {
      const at = ring.offset >>> 2;
      taken.push([type, ...ring.words.subarray(at, at + ring.length / 4)]);
      ring.pop();
    }
    ring.release();
    return taken;
  };
  const take = (): number[][] => {
    writer.writeWaiting();
    writer.publish();
    return read();
  };
  return { writer, asked, read, take };
}

/** Writes TOUCHes until one of them has to wait. Returns how many there are. */
function fill(writer: CommandWriter): number {
  let count = 0;
  while (!writer.hasWaiting) writer.write(records.TOUCH, [1, 0, count++], null);
  return count;
}

test('CommandWriter: a command is its fields and bytes, shown by publish', () => {
  const { writer, asked, read } = makeWriter();
  writer.write(records.READY, [5, 10], null);
  writer.write(records.CONTROL, [1, 2, 0], Buffer.from(Uint32Array.of(7, 8).buffer));
  const before = read();

  const shown = [writer.publish(), writer.publish()];

  assert.deepStrictEqual([before, shown, asked.flushes], [[], [true, false], 2]);
  assert.deepStrictEqual(read(), [
    [records.READY, 5, 10],
    [records.CONTROL, 1, 2, 0, 7, 8],
  ]);
});

test('CommandWriter: FINs of one consumer share a record until something else comes', () => {
  const { writer, take } = makeWriter();
  writer.finish(5, 1, 1);
  writer.finish(5, 1, 2);
  writer.finish(6, 1, 3);
  writer.write(records.TOUCH, [6, 1, 4], null);
  writer.finish(6, 1, 5);

  assert.deepStrictEqual(take(), [
    [records.FINISH, 5, 1, 1, 1, 2],
    [records.FINISH, 6, 1, 3],
    [records.TOUCH, 6, 1, 4],
    [records.FINISH, 6, 1, 5],
  ]);
});

test('CommandWriter: publish leaves a record of FINs open, writeWaiting ends it', () => {
  const { writer, asked, read, take } = makeWriter();
  writer.finish(5, 1, 1);
  const isShown = writer.publish();
  const before = read();
  writer.finish(5, 1, 2);

  const hasWritten = writer.writeWaiting();

  assert.deepStrictEqual([isShown, before, hasWritten, asked.flushes], [false, [], false, 1]);
  assert.deepStrictEqual(take(), [[records.FINISH, 5, 1, 1, 1, 2]]);
});

test('CommandWriter: what finds no room waits, with all that comes behind it', () => {
  const { writer, take } = makeWriter();
  const count = fill(writer);
  writer.finish(5, 1, 1);
  writer.finish(5, 1, 2);
  writer.write(records.READY, [5, 1], null);
  const hadRoom = writer.hasRoom();
  const first = take();
  const second = take();

  const touches = Array.from({ length: count }, (_, id) => [records.TOUCH, 1, 0, id]);
  assert.deepStrictEqual([hadRoom, writer.hasWaiting, writer.hasRoom()], [false, false, true]);
  assert.deepStrictEqual(first, touches.slice(0, -1));
  assert.deepStrictEqual(second, [
    ...touches.slice(-1),
    [records.FINISH, 5, 1, 1],
    [records.FINISH, 5, 1, 2],
    [records.READY, 5, 1],
  ]);
});

test('CommandWriter: there is room as long as a whole batch of FINs and what follows it fits', () => {
  const { writer } = makeWriter();
  let count = 0;
  while (writer.hasRoom()) writer.write(records.TOUCH, [1, 0, count++], null);
  for (let id = 0; id < 1024; id++) writer.finish(5, 1, id);
  writer.write(records.READY, [5, 1], null);

  assert.deepStrictEqual([count > 0, writer.hasWaiting], [true, false]);
});
