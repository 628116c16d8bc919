/** `threads`, with one number of threads of each kind: the standard loads over topics that are spread over them. */

import { type Load, subcommand } from '../load.ts';
import { choice, count } from '../option-kinds.ts';
import type { Figures } from '../report/metrics.ts';
import { spreadTopics } from '../spread-topics.ts';
import { figuresOf, type Measured, peakOf, type Stage } from '../stage.ts';
import { threadFigures, type WorkerCounts } from '../thread-shares.ts';
import { plainConsuming, plainPublishing } from './plain-traffic.ts';
import { BATCH_OPTIONS, MESSAGES_DEFAULT, needsFor } from './traffic-options.ts';

const CHANNEL = 'bench';

/** What the numbers of threads have in common. */
export const THREADS_TRAFFIC = {
  topics: count(8, 1, 'topics with a channel each; a multiple of every number of threads is even'),
  messages: count(MESSAGES_DEFAULT, 1, 'messages, those of all topics together'),
  ...BATCH_OPTIONS,
  connections: count(1, 1, 'connections of each topic that publish, and as many that consume'),
  inFlight: count(2, 1, 'commands of a connection that are not answered yet'),
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
  run: async (stage, values) => {
    const { address } = stage.target;
    const counts = { pumps: values.pumpThreads, disks: values.diskThreads };
    const topics = spreadTopics(stage.topic, values.topics, CHANNEL, counts);
    const traffic = { address, topics, seconds: null };
    const channels = [CHANNEL];
    await stage.drive('making the channels', 'makeChannels', { address, topics, channels });
    const published = await stage.drive('publishing', 'publish', {
      ...plainPublishing({ ...values, connections: values.connections * topics.length }),
      ...traffic,
      messages: values.messages,
    });
    if (values.load === 'publish') return withThreads(stage, published, counts);
    const consumed = await stage.drive('consuming', 'consume', {
      ...plainConsuming(values),
      ...traffic,
      channels,
      messages: published.outcome.count,
    });
    return withThreads(stage, consumed, counts);
  },
};

function withThreads(stage: Stage, measured: Measured, counts: WorkerCounts): Figures {
  const figures = { ...figuresOf(measured), ...peakOf(stage.target) };
  const { pid } = stage.target;
  if (pid === undefined || measured.threads === undefined) return figures;
  const [before, after] = measured.threads;
  const { elapsedMs, count: messages } = measured.outcome;
  const span = { pid, before, after, elapsedMs, count: messages };
  const ofThreads = threadFigures(span, counts);
  if (ofThreads.pumpCpuUs === undefined) {
    stage.note('its pump and disk threads cannot be told apart: Node gives them no name here');
  }
  return { ...figures, ...ofThreads };
}

/** The `threads` command runs it with every pair of numbers. */
export const THREADS_LOAD = subcommand(LOAD);
