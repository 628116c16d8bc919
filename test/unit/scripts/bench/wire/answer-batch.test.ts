import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerBatch } from '../../../../../scripts/bench/wire/commands.ts';

const ID_AT = 18;

function messageOf(id: string): DataView {
  const bytes = Buffer.alloc(64);
  bytes.write(id, ID_AT);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

test('AnswerBatch: FINs and REQs stand behind one another', () => {
  const batch = new AnswerBatch();
  batch.finish(messageOf('0123456789abcdef'), 0);
  batch.requeue(messageOf('fedcba9876543210'), 0);

  assert.equal(batch.count, 2);
  assert.equal(batch.bytes().toString(), 'FIN 0123456789abcdef\nREQ fedcba9876543210 0\n');
});

test('AnswerBatch: reuses its memory only when that is free', () => {
  const batch = new AnswerBatch();
  batch.finish(messageOf('aaaaaaaaaaaaaaaa'), 0);
  const sent = batch.bytes();
  batch.clear(false);
  batch.finish(messageOf('bbbbbbbbbbbbbbbb'), 0);
  const next = batch.bytes();
  batch.clear(true);
  batch.finish(messageOf('cccccccccccccccc'), 0);

  const texts = [sent, next, batch.bytes()].map(String);
  const fins = ['a', 'c', 'c'].map((letter) => `FIN ${letter.repeat(16)}\n`);
  assert.deepStrictEqual(texts, fins);
});

test('AnswerBatch: grows with what is added', () => {
  const batch = new AnswerBatch();
  const ids = Array.from({ length: 5000 }, (_, index) => String(index).padStart(16, '0'));
  for (const id of ids) batch.finish(messageOf(id), 0);

  assert.equal(batch.bytes().toString(), ids.map((id) => `FIN ${id}\n`).join(''));
});
