/**
 * What `--help` prints: every flag with its kind of value, default and meaning, under headings.
 *
 * Thread: any.
 */

import {
  initialValue,
  type Machine,
  OPTION_ROWS,
  type Option,
  PROGRAM_FLAGS,
} from '../../main/options/options.ts';
import { productLine } from '../version.ts';

const INTRODUCTION = `${productLine()}

  ringmq [start] [flags]    the broker
  ringmq help               this text
  ringmq version            the versions of RingMQ, of the nsqd that it stands for, and of Node
  ringmq bench [command]    load generators; see ringmq bench --help

Flags are written -name=value, --name=value or -name value; a flag without a kind of value behind its name is a
switch, and takes a value only behind "=". A configuration file has the same options under keys with "_" for "-",
except where [key ...] names another. A flag counts more than the file.
`;

/** The usage text, with the defaults of this machine. */
export function usage(machine: Machine): string {
  const rows = [...Object.values<Option<unknown>>(PROGRAM_FLAGS), ...OPTION_ROWS.values()];
  const groups = Map.groupBy(rows, (row) => row.group);
  // Last, what nobody should use any more.
  const headings = [...groups.keys()].sort(
    (a, b) => Number(a === 'Deprecated') - Number(b === 'Deprecated'),
  );

  let text = INTRODUCTION;
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
