import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packLines } from '../../../../../src/main/peers/statsd/packets.ts';

function texts(packets: readonly Buffer[]): string[] {
  return packets.map((packet) => packet.toString());
}

test('packLines: fills packets to the last byte with whole lines', () => {
  const packets = packLines(['aaaa\n', 'bbbb\n', 'cccc\n'], 10);

  assert.deepStrictEqual(texts(packets), ['aaaa\nbbbb\n', 'cccc\n']);
});

test('packLines: counts bytes, not characters', () => {
  const packets = packLines(['ää\n', 'b\n'], 6);

  assert.deepStrictEqual(texts(packets), ['ää\n', 'b\n']);
});

test('packLines: a line that is too long goes alone', () => {
  const packets = packLines(['a\n', 'bbbbbbbb\n', 'c\n'], 4);

  assert.deepStrictEqual(texts(packets), ['a\n', 'bbbbbbbb\n', 'c\n']);
});

test('packLines: without lines there are no packets', () => {
  assert.deepStrictEqual(packLines([], 508), []);
});

test('packLines: loses nothing, and no packet but a single line is too long', () => {
  const lines = fc.array(fc.string().map((text) => `${text.replaceAll('\n', '')}\n`));
  fc.assert(
    fc.property(lines, fc.integer({ min: 1, max: 40 }), (all, packetBytesMax) => {
      const packets = packLines(all, packetBytesMax);

      assert.equal(texts(packets).join(''), all.join(''));
      for (const packet of packets) {
        const isWhole = packet.length <= packetBytesMax || packet.indexOf(10) === packet.length - 1;
        assert.ok(isWhole && packet.at(-1) === 10);
      }
    }),
  );
});
