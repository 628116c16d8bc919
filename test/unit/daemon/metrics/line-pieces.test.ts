import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueText } from '../../../../src/daemon/metrics/exposition.ts';
import { LabelList } from '../../../../src/daemon/metrics/label-list.ts';
import { linePart } from '../../../../src/daemon/metrics/line-part.ts';
import { LinePieces } from '../../../../src/daemon/metrics/line-pieces.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const NAME = linePart('depth');

/** The labels of each text, which lacks its closing brace. */
function labelsOf(texts: readonly string[]): LabelList {
  const labels = new LabelList();
  for (const text of texts) labels.add(text);
  return labels;
}

test('LinePieces: numbers are written as String writes them', () => {
  const powers = Array.from({ length: 17 }, (_, power) => 10 ** power);
  const values = [
    ...[0, -0, -1, 0.5, -2.25, 1e21, 5e-7, Number.NaN, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53],
    ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ...powers.flatMap((power) => [power - 1, power, power + 1]),
  ];
  const lines = new LinePieces();
  for (const value of values) lines.sample(NAME, labelsOf(['{a="b"']), 0, value);

  assert.deepStrictEqual(lines.take().toString().split('\n'), [
    ...values.map((value) => `depth{a="b"} ${valueText(value)}`),
    '',
  ]);
});

test('LinePieces: labels may end with more of them', () => {
  const lines = new LinePieces();
  lines.sample(NAME, labelsOf(['{a="b"']), 0, 7, linePart(',c="d"} '));

  assert.equal(lines.take().toString(), 'depth{a="b",c="d"} 7\n');
});

test('LinePieces: text that is not ASCII, or larger than a piece, stays whole', () => {
  const text = `ä€${'x'.repeat(200_000)}\n`;
  const lines = new LinePieces();
  lines.text('# first\n');
  lines.text(text);

  assert.ok(lines.isWhole);
  assert.equal(lines.take().toString(), `# first\n${text}`);
  assert.equal(lines.take().length, 0);
});

test('LinePieces: random lines come out in order, in pieces of whole lines', () => {
  const seed = 20_260_129;
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const texts = Array.from({ length: 500 }, (_, at) => `{topic="t${at}${'é'.repeat(random(90))}"`);
  const labels = labelsOf(texts);
  const lines = new LinePieces();
  const pieces: Buffer[] = [];
  let expected = '';
  for (let round = 0; round < 5000; round++) {
    const index = random(texts.length);
    const value = random(2 ** random(32));
    lines.sample(NAME, labels, index, value);
    expected += `depth${texts[index]}} ${value}\n`;
    if (lines.isWhole) pieces.push(lines.take());
  }
  pieces.push(lines.take());

  assert.equal(Buffer.concat(pieces).toString(), expected);
  assert.ok(pieces.length > 5, `${pieces.length} pieces`);
  for (const piece of pieces) assert.equal(piece.at(-1), 0x0a);
});
