import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpReader } from '../../../../../scripts/bench/wire/http-reader.ts';

const OK = 'HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nOK';
const OTHER_OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Longer: yes\r\n\r\nfine';
const REFUSED = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno!';

/** Reads a text in pieces of one size, all in the same memory. */
function read(text: string, size: number): { oks: number; refused: string[] } {
  const notes = { oks: 0, refused: [] as string[] };
  const reader = new HttpReader(
    (count) => {
      notes.oks += count;
    },
    (answer) => notes.refused.push(answer),
  );
  const bytes = Buffer.from(text);
  const memory = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const end = bytes.copy(memory, 0, at, at + size);
    reader.take(memory, end);
    memory.fill(0);
  }
  return notes;
}

test('HttpReader: counts answers in chunks of every size', () => {
  const text = `${OK}${OK}${OTHER_OK}${OK}${REFUSED}${OK}`;
  for (let size = 1; size <= text.length; size++) {
    assert.deepStrictEqual(read(text, size), { oks: 5, refused: [REFUSED] }, `size ${size}`);
  }
});

test('HttpReader: an answer whose length is not said is refused', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

  assert.throws(() => read(chunked, chunked.length), /no answer that can be counted/);
});

test('HttpReader: a head without an end is not kept for ever', () => {
  assert.throws(() => read('x'.repeat(100_000), 1000), /the server answers without an end/);
});
