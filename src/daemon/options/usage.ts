/**
 * The text of `--help`: every flag with its type, default and meaning, under headings.
 *
 * Shape: lines of at most 100 columns, unless a single word is longer.
 * Thread: any.
 */

import { initialValue, type Machine, type Option } from './option-table.ts';
import { wrapWords } from './wrap-words.ts';

const COLUMNS = 100;
/** Indentation of a flag's description. */
const INDENT = '        ';

/** The usage text after an introduction, with the defaults of this machine. */
export function usage(
  introduction: string,
  rows: Iterable<Option<unknown>>,
  machine: Machine,
): string {
  const groups = Map.groupBy(rows, (row) => row.group);
  // Deprecated flags come last.
  const headings = [...groups.keys()].sort(
    (a, b) => Number(a === 'Deprecated') - Number(b === 'Deprecated'),
  );

  let text = introduction;
  for (const heading of headings) {
    text += `\n${heading}\n`;
    for (const row of groups.get(heading) ?? []) text += entry(row, machine);
  }
  return text;
}

function entry(row: Option<unknown>, machine: Machine): string {
  const word = row.kind.word === '' ? '' : ` ${row.kind.word}`;
  const key = row.key === row.flag.replaceAll('-', '_') ? '' : `[key ${row.key}] `;
  // Key and default stay on one line, because a default may contain spaces.
  const remark = `${key}${spellDefault(row, machine)}`.trimEnd();
  const words = [...row.help.split(' '), ...(remark === '' ? [] : [remark])];
  const lines = wrapWords(words, COLUMNS - INDENT.length);
  return `  -${row.flag}${word}\n${lines.map((line) => `${INDENT}${line}\n`).join('')}`;
}

/** Formats a default that is worth showing; empty for others. */
function spellDefault(row: Option<unknown>, machine: Machine): string {
  const spelled = row.kind.spell(initialValue(row, machine));
  return ['', '""', 'false'].includes(spelled) ? '' : `(default ${spelled})`;
}
