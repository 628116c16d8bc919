/** All sub-commands, in the order in which they are explained. */

import { ALL, SUBCOMMANDS } from './all-command.ts';
import { BROKERS } from './brokers/brokers-command.ts';
import { type Command, entryPlan } from './command.ts';
import type { Subcommand } from './load.ts';
import { specsOf } from './servers.ts';
import { THREADS } from './threads-command.ts';

export const COMMANDS: readonly Command[] = [
  ...SUBCOMMANDS.map(loadCommand),
  THREADS,
  BROKERS,
  ALL,
];

/** A load by itself. */
function loadCommand(subcommand: Subcommand): Command {
  const { name, summary } = subcommand;
  return {
    name,
    summary,
    usage: (program) => subcommand.usage(program),
    read: (words) => {
      const load = subcommand.read(words);
      const { common } = load;
      const specs = specsOf(common, common.nullSink);
      const plan = { name: [name, ...load.words].join(' '), load, runs: common.runs };
      return { common, specs, plans: [entryPlan(plan, specs, null)], reportPrefix: null };
    },
  };
}
