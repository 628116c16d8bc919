import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateBoard, BoardReader, BoardWriter } from '../../../../src/shared/ring/board.ts';

test('BoardReader: reads zeros first, and then what was written last', () => {
  const memory = allocateBoard(3);
  const reader = new BoardReader(memory);
  const writer = new BoardWriter(memory);
  const first = [...reader.read()];
  writer.write(Float64Array.of(1, 2, 3));
  writer.write(Float64Array.of(4, 5.5, 6e15));

  assert.deepStrictEqual(first, [0, 0, 0]);
  assert.deepStrictEqual([...reader.read()], [4, 5.5, 6e15]);
});

test('BoardReader: never shows a writing in part, whenever it looks', (t) => {
  const memory = allocateBoard(2);
  const writer = new BoardWriter(memory);
  const reader = new BoardReader(memory);
  writer.write(Float64Array.of(1, 1));
  const seen: number[][] = [[...reader.read()]];
  const add = Atomics.add;
  t.after(() => {
    Atomics.add = add;
  });
  // Reads before and after each step by which the writer shows what it does.
  Atomics.add = ((...words: Parameters<typeof add>) => {
    seen.push([...reader.read()]);
    const before = add(...words);
    seen.push([...reader.read()]);
    return before;
  }) as typeof add;
  writer.write(Float64Array.of(2, 2));

  assert.deepStrictEqual(seen, [
    [1, 1],
    [1, 1],
    [1, 1],
    [1, 1],
    [2, 2],
  ]);
});

test('BoardReader: a writing that begins while it reads makes it read again', (t) => {
  const memory = allocateBoard(2);
  const writer = new BoardWriter(memory);
  const reader = new BoardReader(memory);
  const load = Atomics.load;
  t.after(() => {
    Atomics.load = load;
  });
  let loads = 0;
  Atomics.load = ((...words: Parameters<typeof load>) => {
    loads++;
    // Between the first look at the count and the second.
    if (loads === 2) writer.write(Float64Array.of(7, 7));
    return load(...words);
  }) as typeof load;

  assert.deepStrictEqual([...reader.read()], [7, 7]);
  assert.equal(loads, 4);
});
