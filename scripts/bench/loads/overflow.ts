/** `overflow`: more messages than the memory queue holds, to the disk queue and back. */

import { type Load, subcommand } from '../load.ts';
import { count } from '../options.ts';
import { peakOf, rateOf } from '../run-context.ts';
import { BATCH_OPTIONS, plainConsuming, plainPublishing } from './traffic-options.ts';

const MEM_QUEUE_SIZE = 10_000;

const OPTIONS = {
  messages: count(1_500_000, 1, 'messages that are published, and then consumed'),
  ...BATCH_OPTIONS,
  connections: count(2, 1, 'connections that publish, and then consume'),
  inFlight: count(2, 1, 'unanswered commands of each connection'),
  rdy: count(2500, 1, 'RDY of each consumer'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'overflow',
  unit: 'msg',
  summary: 'publish and then consume through the disk, with a small memory queue',
  about: `Creates a channel, publishes to its topic, and then consumes. A server that is started has a memory
queue of 10000 messages unless --mem-queue-size says otherwise; a running server keeps its own.
--data-path chooses the disk.`,
  examples: ['', '--messages 200k --data-path /var/tmp'],
  options: OPTIONS,
  check: () => undefined,
  needs: () => ({ memQueueSize: MEM_QUEUE_SIZE, hasTls: false, flags: [], prepare: null }),
  sink: () => 'the null sink has no disk',
  run: async (context, values) => {
    const { address } = context.target;
    const topics = [context.topic];
    const channels = ['bench'];
    await context.measure('making the channel', 'makeChannels', { address, topics, channels });
    const published = await context.measure('publishing', 'publish', {
      ...plainPublishing(values),
      address,
      topics,
      messages: values.messages,
      seconds: null,
    });
    const { count: messages } = published.outcome;
    const consumed = await context.measure('consuming', 'consume', {
      ...plainConsuming(values),
      address,
      topics,
      channels,
      messages,
      seconds: null,
    });
    const [publishCpuUs, consumeCpuUs] = [published.serverCpuUs, consumed.serverCpuUs];
    return {
      publishRate: rateOf(published.outcome),
      ...(publishCpuUs === undefined ? {} : { publishCpuUs: publishCpuUs / messages }),
      consumeRate: rateOf(consumed.outcome),
      ...(consumeCpuUs === undefined ? {} : { consumeCpuUs: consumeCpuUs / messages }),
      generatorCpuUs: (published.generatorCpuUs + consumed.generatorCpuUs) / messages,
      ...published.outcome.percentiles,
      ...peakOf(context.target),
    };
  },
};

export const OVERFLOW = subcommand(LOAD);
