import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { atOnce } from '../../../../src/daemon/slices.ts';
import { hasLongLine, splitLines, takeSized } from '../../../../src/main/http/mpub-body.ts';

const int32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value, 4 * index);
  return bytes;
};

const sized = (...bodies: string[]): Buffer => {
  return Buffer.concat(bodies.flatMap((body) => [int32(body.length), Buffer.from(body)]));
};

for (const [text, ...lines] of [
  [''],
  ['\n\n\n'],
  ['one', 'one'],
  ['one\n', 'one'],
  ['one\ntwo', 'one', 'two'],
  ['\n\na\r\n\nb\n\n', 'a\r', 'b'],
  ['12345', '12345'],
]) {
  test(`splitLines: ${JSON.stringify(text)} has ${lines.length} messages`, () => {
    const batch = atOnce(splitLines(Buffer.from(text), 5));

    assert.deepEqual(batch, { bytes: sized(...lines), count: lines.length, spare: undefined });
  });
}

test('splitLines: a line beyond the limit is too big, wherever it is', () => {
  assert.equal(atOnce(splitLines(Buffer.from('a\n123456\nb'), 5)), 'too big');
  assert.equal(atOnce(splitLines(Buffer.from('123456'), 5)), 'too big');
});

test('splitLines: takes the lines that splitting a text gives', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\n', 'bc', '\r')), (parts) => {
      const text = parts.join('');

      const batch = atOnce(splitLines(Buffer.from(text), text.length));

      const lines = text.split('\n').filter((line) => line !== '');
      assert.deepEqual(batch, { bytes: sized(...lines), count: lines.length, spare: undefined });
    }),
  );
});

test('splitLines: many bytes lie in memory that can be given back', () => {
  const lines = Array.from({ length: 50 }, (_, index) => `${index}`.padEnd(200, '.'));

  const batch = atOnce(splitLines(Buffer.from(lines.join('\n')), 200));

  assert.ok(batch !== 'too big' && batch.spare !== undefined);
  assert.deepEqual(batch.bytes, sized(...lines));
  assert.equal(batch.bytes.buffer, batch.spare.buffer);
});

test('hasLongLine: looks only at lines that have ended', () => {
  assert.equal(atOnce(hasLongLine(Buffer.from('123456\nab'), 5)), true);
  assert.equal(atOnce(hasLongLine(Buffer.from('a\n123456'), 5)), false);
  assert.equal(atOnce(hasLongLine(Buffer.from('123456'), 5)), false);
});

test('takeSized: takes the messages and leaves what stands behind them', () => {
  const body = Buffer.concat([int32(2), sized('one\n', 'two'), Buffer.from('rest')]);

  assert.deepEqual(atOnce(takeSized(body, 5, 100)), { bytes: sized('one\n', 'two'), count: 2 });
});

for (const [name, body, wanted] of [
  ['no count', Buffer.from([0, 0]), 'bad body'],
  ['a count of 0', int32(0), 'bad body'],
  ['a negative count', int32(-3), 'bad body'],
  ['a count that no body can hold', int32(20), 'bad body'],
  ['the largest count, without messages', int32(19), 'bad message'],
  ['no size', Buffer.concat([int32(1), Buffer.from([0])]), 'bad message'],
  ['a size of 0', int32(1, 0), 'bad message'],
  ['a negative size', int32(1, -1), 'bad message'],
  ['a message that is too big', Buffer.concat([int32(1), sized('123456')]), 'bad message'],
  ['a message that is cut off', int32(1, 5), 'bad message'],
  ['fewer messages than counted', Buffer.concat([int32(2), sized('a')]), 'bad message'],
] as const) {
  test(`takeSized: ${name} is a ${wanted}`, () => {
    assert.equal(atOnce(takeSized(body, 5, 100)), wanted);
  });
}

test('splitLines, takeSized: many messages are taken in slices, few at once', () => {
  const countSlices = (work: Iterator<void, unknown>): number => {
    for (let count = 1; ; count++) if (work.next().done === true) return count;
  };
  const messages = 100_000;
  const binary = Buffer.alloc(4 + 5 * messages);
  binary.writeInt32BE(messages);
  for (let index = 0; index < messages; index++) binary.writeInt32BE(1, 4 + 5 * index);

  const slices = [
    countSlices(splitLines(Buffer.from('a\n'.repeat(messages)), 5)),
    countSlices(takeSized(binary, 5, 5 * messages + 4)),
    countSlices(hasLongLine(Buffer.from('a\n'.repeat(messages)), 5)),
    countSlices(splitLines(Buffer.from('a\nb\n'), 5)),
    countSlices(takeSized(Buffer.concat([int32(1), sized('a')]), 5, 100)),
  ];

  // 16384 messages in each, or 4096 lines, which are looked at twice where they are taken.
  assert.deepEqual(slices, [49, 7, 25, 1, 1]);
});
