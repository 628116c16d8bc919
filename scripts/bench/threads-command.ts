/** `threads`: what more pump threads and disk threads bring. */

import { type Command, type EntryPlan, entryPlan } from './command.ts';
import { THREADS_LOAD, THREADS_TRAFFIC } from './loads/threads.ts';
import { ArgumentError, choice, counts, type OptionValues } from './option-kinds.ts';
import { describeOptions, readOptions } from './option-table.ts';
import { STARTED_OPTIONS } from './run-options.ts';
import { startedSpec } from './servers.ts';
import type { TargetSpec } from './target-spec.ts';

const LOADS = ['publish', 'consume'] as const;

const THREADS_OPTIONS = {
  pumpThreads: counts([1, 2], 1, 'numbers of pump threads'),
  diskThreads: counts([1], 1, 'numbers of disk threads, each with each of the others'),
  load: choice(['both', ...LOADS], 'what is measured'),
  ...THREADS_TRAFFIC,
} as const;

const TABLE = { ...STARTED_OPTIONS, ...THREADS_OPTIONS };

export const THREADS: Command = {
  name: 'threads',
  summary: 'publishes and consumes with more and more pump and disk threads',
  usage: (program) => `usage: ${program} threads [options]

Starts a broker with every pair of the two numbers, publishes to topics whose names spread them evenly over its
threads, and consumes. Beside the rate stand the CPU time of a message by kind of thread, and how busy the
threads are: the one that is near 100 % of a core is the limit. Where none is, it is the machine's cores, which
the load generator needs as well, or the generator itself.

Disk threads have work only where messages go to disk: --mem-queue-size 0 has all of them go there.

What cannot be known: Node gives all its worker threads one name, so pump and disk threads are told apart by the
order in which they start; "other threads" collect garbage and compile for all of them, and for which one cannot
be seen. CPU times are in steps of 10 ms for each thread: take enough messages.

Of this sub-command:
${describeOptions(THREADS_OPTIONS)}

Of every load that starts its servers:
${describeOptions(STARTED_OPTIONS)}

Examples:
  ${program} threads
  ${program} threads --pump-threads 1,2,4 --load publish
  ${program} threads --disk-threads 1,2 --mem-queue-size 0 --messages 500k --data-path /var/tmp`,
  read: (words) => {
    const values = readOptions(TABLE, words);
    checkTopics(values);
    const specs = [startedSpec('server', values)];
    return { common: values, specs, plans: plansOf(words, values, specs), reportPrefix: null };
  },
};

/** Errors: throws an `ArgumentError` where a thread would have no topic. */
function checkTopics({ topics, pumpThreads, diskThreads }: OptionValues<typeof TABLE>): void {
  const threads = Math.max(...pumpThreads, ...diskThreads);
  if (topics >= threads) return;
  throw new ArgumentError(`--topics ${topics} leaves some of ${threads} threads without a topic`);
}

function plansOf(
  words: readonly string[],
  values: OptionValues<typeof TABLE>,
  specs: readonly TargetSpec[],
): EntryPlan[] {
  const loads = LOADS.filter((load) => values.load === 'both' || values.load === load);
  return loads.flatMap((load) =>
    values.diskThreads.flatMap((disks) =>
      values.pumpThreads.map((pumps) => {
        const column = `${pumps} pump, ${disks} disk`;
        // of an option that is given twice, the last one counts
        const own = ['--load', load, '--pump-threads', `${pumps}`, '--disk-threads', `${disks}`];
        const name = `${load}, ${column} threads`;
        const plan = { name, load: THREADS_LOAD.read([...words, ...own]), runs: values.runs };
        return entryPlan(plan, specs, { title: load, column });
      }),
    ),
  );
}
