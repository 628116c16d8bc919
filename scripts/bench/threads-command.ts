/**
 * `threads`: the same work with different numbers of pump and disk threads.
 */

import { nameHash } from '../../src/shared/name-hash.ts';
import { type Command, type EntryPlan, entryPlan, type Load, subcommand } from './load.ts';
import {
  BATCH_OPTIONS,
  MESSAGES_DEFAULT,
  needsFor,
  plainConsuming,
  plainPublishing,
} from './loads/traffic-options.ts';
import {
  ArgumentError,
  choice,
  count,
  counts,
  describeOptions,
  type OptionValues,
  readOptions,
} from './options.ts';
import type { Figures } from './report/metrics.ts';
import { figuresOf, type Measured, peakOf, type RunContext } from './run-context.ts';
import { STARTED_OPTIONS } from './run-options.ts';
import { startedSpec } from './servers.ts';
import type { TargetSpec } from './target.ts';
import { threadFigures, type WorkerCounts } from './thread-shares.ts';

/** Names that are tried for each pair of a pump and a disk thread; some pairs have none. */
const TRIES = 50;

/**
 * Chooses topics: each for the next pump thread in turn and, among the names for that thread, for the disk thread that
 * has the fewest queues so far.
 */
export function spreadTopics(
  prefix: string,
  count: number,
  channel: string,
  { pumps, disks }: WorkerCounts,
): string[] {
  const loads = Array.from({ length: disks }, () => 0);
  const diskOf = (topic: string): number => nameHash(`${topic}:${channel}`) % disks;
  return Array.from({ length: count }, (_, index) => {
    const least = Math.min(...loads);
    let best: string | null = null;
    for (let number = 0; best === null || number < TRIES * pumps * disks; number++) {
      const topic = `${prefix}_${index}_${number}`;
      if (nameHash(topic) % pumps !== index % pumps) continue;
      if (best === null || loads[diskOf(topic)] < loads[diskOf(best)]) best = topic;
      if (loads[diskOf(best)] === least) break;
    }
    loads[diskOf(best)]++;
    return best;
  });
}

const CHANNEL = 'bench';

/** What is the same for all numbers of threads. */
const THREADS_TRAFFIC = {
  topics: count(
    8,
    1,
    'topics with a channel each; a multiple of each number of threads loads them evenly',
  ),
  messages: count(MESSAGES_DEFAULT, 1, 'messages of all topics together'),
  ...BATCH_OPTIONS,
  connections: count(1, 1, 'publishing connections of each topic, and as many consuming ones'),
  inFlight: count(2, 1, 'unanswered commands of each connection'),
  rdy: count(2500, 1, 'RDY of each consumer'),
} as const;

const OPTIONS = {
  load: choice(['publish', 'consume'], 'which of the two is measured'),
  pumpThreads: count(1, 1, 'pump threads'),
  diskThreads: count(1, 1, 'disk threads'),
  ...THREADS_TRAFFIC,
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'threads',
  unit: 'msg',
  summary: '',
  about: '',
  examples: [],
  options: OPTIONS,
  check: () => undefined,
  needs: ({ messages, pumpThreads, diskThreads }) => ({
    ...needsFor(messages, null),
    flags: [`--pump-threads=${pumpThreads}`, `--disk-threads=${diskThreads}`],
  }),
  sink: () => 'the null sink has no such threads',
  run: async (context, values) => {
    const { address } = context.target;
    const counts = { pumps: values.pumpThreads, disks: values.diskThreads };
    const topics = spreadTopics(context.topic, values.topics, CHANNEL, counts);
    const traffic = { address, topics, seconds: null };
    const channels = [CHANNEL];
    await context.measure('making the channels', 'makeChannels', { address, topics, channels });
    const published = await context.measure('publishing', 'publish', {
      ...plainPublishing({ ...values, connections: values.connections * topics.length }),
      ...traffic,
      messages: values.messages,
    });
    if (values.load === 'publish') return withThreads(context, published, counts);
    const consumed = await context.measure('consuming', 'consume', {
      ...plainConsuming(values),
      ...traffic,
      channels,
      messages: published.outcome.count,
    });
    return withThreads(context, consumed, counts);
  },
};

function withThreads(context: RunContext, measured: Measured, counts: WorkerCounts): Figures {
  const figures = { ...figuresOf(measured), ...peakOf(context.target) };
  const { pid } = context.target;
  if (pid === undefined || measured.threads === undefined) return figures;
  const [before, after] = measured.threads;
  const { elapsedMs, count: messages } = measured.outcome;
  const span = { pid, before, after, elapsedMs, count: messages };
  const ofThreads = threadFigures(span, counts);
  if (ofThreads.pumpCpuUs === undefined) {
    context.note('its pump and disk threads cannot be told apart: Node gives them no name here');
  }
  return { ...figures, ...ofThreads };
}

/** The `threads` command runs it with every pair of numbers. */
const THREADS_LOAD = subcommand(LOAD);

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
  summary: 'publish and consume with different numbers of pump and disk threads',
  usage: (program) => `usage: ${program} threads [options]

Starts a broker with each pair of thread numbers, publishes to topics that spread evenly over the
threads, and consumes. Shows the rate, the CPU time per message of each kind of thread, and how busy
the threads are. A thread near 100 % of a core is the limit. If there is none, the limit is the
machine's cores, which the load generator needs too, or the generator itself.

Disk threads have work only if messages go to disk: --mem-queue-size 0 sends all of them there.

Limits of the measurement: all worker threads have the same name, so the order of their start tells
pump threads from disk threads. "Other threads" collect garbage and compile for all threads. CPU
times have a resolution of 10 ms per thread: use enough messages.

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

/** Errors: throws an `ArgumentError` if a thread would have no topic. */
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
