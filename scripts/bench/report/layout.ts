/** Text for a terminal of 100 columns. */

import { wrapWords } from '../../../src/daemon/options/wrap-words.ts';

const COLUMNS_MAX = 100;
const INDENT = 2;
const GAP = 2;

/**
 * Rows under a head, the first column on the left and the others on the right. Columns that do not fit follow below,
 * with the first one again.
 */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const lines: string[] = [];
  for (const columns of blocksOf(widths)) {
    for (const row of all) {
      const cells = columns.map((column) => row[column].padStart(widths[column] + GAP));
      lines.push(`${' '.repeat(INDENT)}${row[0].padEnd(widths[0])}${cells.join('')}`.trimEnd());
    }
  }
  return lines;
}

/** Words in lines, the first of which begins with `label`. */
export function wrappedLines(label: string, text: string): string[] {
  const indent = ' '.repeat(INDENT + label.length);
  const lines = wrapWords(text.split(' '), COLUMNS_MAX - indent.length);
  return lines.map((line, index) =>
    index === 0 ? `${' '.repeat(INDENT)}${label}${line}` : `${indent}${line}`,
  );
}

/** Which columns stand beside each other, after the first. */
function blocksOf(widths: readonly number[]): number[][] {
  const blocks: number[][] = [];
  let left = 0;
  for (let column = 1; column < widths.length; column++) {
    const needed = widths[column] + GAP;
    if (blocks.length === 0 || needed > left) {
      blocks.push([]);
      left = COLUMNS_MAX - INDENT - widths[0];
    }
    blocks[blocks.length - 1].push(column);
    left -= needed;
  }
  return blocks;
}
