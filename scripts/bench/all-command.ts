/** `all`: the documented set of loads, and a report of them. */

import os from 'node:os';
import path from 'node:path';
import { type Command, entryPlan } from './command.ts';
import type { Subcommand } from './load.ts';
import { SUBCOMMANDS } from './load-list.ts';
import {
  ArgumentError,
  count,
  type OptionValues,
  optionalPattern,
  optionalText,
} from './option-kinds.ts';
import { describeOptions, readOptions } from './option-table.ts';
import type { LoadPlan } from './run-load.ts';
import { checkRunOptions, RUN_OPTIONS, type RunValues } from './run-options.ts';
import { specsOf } from './servers.ts';
import { STANDARD_MESSAGES, STANDARD_SET, scaledWords } from './standard-set.ts';

const MESSAGES_MIN = 1000;

const ALL_OPTIONS = {
  messages: count(
    STANDARD_MESSAGES,
    MESSAGES_MIN,
    'messages of the first load; all other counts are scaled with them',
  ),
  only: optionalPattern('only loads whose names match'),
  report: optionalText(
    'PREFIX',
    'writes the report to PREFIX.md and PREFIX.json (default: among temporary files)',
  ),
} as const;

/** What `all` is to do. `reportPrefix`: null for a place among temporary files. */
type AllPlan = {
  readonly common: RunValues;
  readonly plans: readonly LoadPlan[];
  readonly reportPrefix: string | null;
};

export const ALL: Command = {
  name: 'all',
  summary: 'a set of these, with a report; also what runs without a sub-command',
  usage: allUsage,
  read: (words) => {
    const { common, plans, reportPrefix } = readAll(words);
    const specs = specsOf(common, true);
    return {
      common,
      specs,
      plans: plans.map((plan) => entryPlan(plan, specs, null)),
      reportPrefix: reportPrefix ?? path.join(os.tmpdir(), `ringmq-bench-${fileDate()}`),
    };
  },
};

/** Reads the words behind `all`. Errors: throws an `ArgumentError`. */
export function readAll(words: readonly string[]): AllPlan {
  const table = { ...RUN_OPTIONS, ...ALL_OPTIONS };
  const values: OptionValues<typeof table> = readOptions(table, words);
  checkRunOptions(values);
  const passedOn =
    values.memQueueSize === null ? [] : ['--mem-queue-size', String(values.memQueueSize)];
  const chosen = STANDARD_SET.filter(({ name }) => values.only?.test(name) ?? true);
  if (chosen.length === 0) {
    const names = STANDARD_SET.map(({ name }) => `  ${name}`).join('\n');
    throw new ArgumentError(`--only ${values.only?.source} matches none of\n${names}`);
  }
  const plans = chosen.map((standard) => {
    const [name, ...rest] = scaledWords(standard, values.messages);
    return {
      name: standard.name,
      load: subcommandOf(name).read([...rest, ...passedOn]),
      runs: standard.isOnce ? 1 : values.runs,
    };
  });
  return { common: values, plans, reportPrefix: values.report };
}

/** `program`: how the program is called. */
export function allUsage(program: string): string {
  const set = STANDARD_SET.map(
    ({ name, isOnce, words, counts }) =>
      `  ${name}${isOnce ? ' (once)' : ''}\n      ${scaledWords({ name, isOnce, words, counts }, STANDARD_MESSAGES).join(' ')}`,
  );
  return `usage: ${program} [all] [options]

Runs a set of loads and writes a report of them, as Markdown and as JSON. Loads that have a null sink are sent to it
as well.

Of this sub-command:
${describeOptions(ALL_OPTIONS)}

Of every load:
${describeOptions(RUN_OPTIONS)}

The set:
${set.join('\n')}

Examples:
  ${program} --messages 200k --runs 1
  ${program} all --only 'MPUB 200|consume, RDY' --runs 5 --against-server nsqd
  ${program} all --report today --compare yesterday.json`;
}

function subcommandOf(name: string): Subcommand {
  const found = SUBCOMMANDS.find((subcommand) => subcommand.name === name);
  if (found === undefined) throw new Error(`the set has a load "${name}" that nobody knows`);
  return found;
}

/** The time as a part of a file's name. */
function fileDate(): string {
  return new Date()
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:]/g, '');
}
