import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressLine } from '../../../../scripts/kit/progress-line.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

test('ProgressLine: a terminal has one line that is written over, and taken away', () => {
  const written: string[] = [];
  const output = { isTTY: true, columns: 6, write: (text: string) => written.push(text) };
  const line = new ProgressLine(output, new ManualClock());
  line.update('one');
  line.update('much longer');
  line.clear();
  line.clear();

  assert.deepStrictEqual(written, ['\r\u001b[Kone', '\r\u001b[Kmuch ', '\r\u001b[K']);
});

test('ProgressLine: elsewhere there is a plain line every ten seconds', () => {
  const written: string[] = [];
  const clock = new ManualClock();
  const line = new ProgressLine({ write: (text) => written.push(text) }, clock);
  for (let second = 0; second < 25; second++) {
    line.update(`at ${second}`);
    clock.advance(1000);
  }
  line.clear();

  assert.deepStrictEqual(written, ['at 10\n', 'at 20\n']);
});
