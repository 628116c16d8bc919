/**
 * What `--help` prints: every flag with its kind of value, default and meaning, under headings.
 *
 * Thread: any.
 */

import { initialValue, type Machine, type Option } from './option-table.ts';

/** The usage text behind an introduction, with the defaults of this machine. */
export function usage(
  introduction: string,
  rows: Iterable<Option<unknown>>,
  machine: Machine,
): string {
  const groups = Map.groupBy(rows, (row) => row.group);
  // Last, what nobody should use any more.
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
  const key = row.key === row.flag.replaceAll('-', '_') ? '' : ` [key ${row.key}]`;
  return `  -${row.flag}${word}\n        ${row.help}${key}${spellDefault(row, machine)}\n`;
}

/** Says the default where there is one that is worth a word. */
function spellDefault(row: Option<unknown>, machine: Machine): string {
  const spelled = row.kind.spell(initialValue(row, machine));
  return ['', '""', 'false'].includes(spelled) ? '' : ` (default ${spelled})`;
}
