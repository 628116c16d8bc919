import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReplyParser } from '../../../../../src/main/peers/lookupd/reply-parser.ts';
import { framed } from '../../../../support/fake-lookupd.ts';

const REPLY_BYTES_MAX = 50;

function texts(replies: readonly Buffer[] | Error): string[] {
  if (replies instanceof Error) throw replies;
  return replies.map((reply) => reply.toString());
}

test('ReplyParser: gives the same replies however the bytes are cut', () => {
  const replies = fc.array(fc.string({ maxLength: 12 }));
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 });
  fc.assert(
    fc.property(replies, sizes, (wanted, chunkSizes) => {
      const parser = new ReplyParser(REPLY_BYTES_MAX);
      const bytes = Buffer.concat(wanted.map(framed));
      const got: string[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = chunkSizes[turn % chunkSizes.length];
        got.push(...texts(parser.push(bytes.subarray(at, at + size))));
        at += size;
      }

      assert.deepStrictEqual(got, wanted);
    }),
  );
});

test('ReplyParser: takes a reply byte by byte, and the longest that is allowed', () => {
  const parser = new ReplyParser(REPLY_BYTES_MAX);
  const text = 'x'.repeat(REPLY_BYTES_MAX);

  const replies = [...framed(text)].flatMap((byte) => texts(parser.push(Buffer.from([byte]))));

  assert.deepStrictEqual(replies, [text]);
});

test('ReplyParser: refuses a reply by its size, before it has come', () => {
  const parser = new ReplyParser(REPLY_BYTES_MAX);

  assert.deepStrictEqual(
    parser.push(Buffer.from([0, 0, 0, 51])),
    new Error('reply of 51 bytes, 50 at most'),
  );
});
