/** `mixed`: different topics, sizes, batches and consumers, as on a real broker, chosen by a seed. */

import { type Load, subcommand } from '../load.ts';
import { count } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { PLAIN } from '../wire/link.ts';
import { PAYLOAD_OPTION, seededNumbers } from '../wire/payload.ts';
import type { MixedPart } from '../workloads/mixed.ts';
import { needsFor } from './traffic-options.ts';

const SIZES = [20, 100, 200, 200, 1000, 10_000];
const BATCHES = [1, 1, 1, 10, 100];
const RDYS = [1, 10, 100, 2500];
const CHANNELS_MAX = 3;
const CONNECTIONS_MAX = 4;
const IN_FLIGHT_MAX = 4;

const OPTIONS = {
  messages: count(300_000, 1, 'messages of all topics together'),
  topics: count(20, 1, 'topics; the first has most of the messages, each further one fewer'),
  seed: count(1, 0, 'chooses sizes, batches, connections, channels and consumers of each topic'),
  payload: PAYLOAD_OPTION,
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'mixed',
  unit: 'msg',
  summary: 'many topics, sizes, batches and consumers at the same time',
  about: `Publishes to many topics and consumes from all of their channels, all at once. A seed chooses for
each topic the size of its messages (20 to 10000 bytes), the messages of a command (1 to 100), 1
to 4 publishing connections, 1 to 3 channels with 1 to 4 consumers, and their RDY (1 to 2500). The
k-th topic has 1/k of the first one's messages. The rate counts messages that have come through
all channels; copies count each channel.`,
  examples: ['', '--seed 7 --topics 200 --messages 1M --payload json'],
  options: OPTIONS,
  check: () => undefined,
  needs: ({ messages }) => needsFor(messages, null),
  sink: () => 'the null sink has no messages',
  run: async (context, values) => {
    const { address } = context.target;
    const parts = mixedParts(values).map(({ name, ...part }) => ({
      publish: {
        ...{ address, topics: [`${context.topic}_${name}`], layers: PLAIN, deferMs: 0, rate: 0 },
        ...{ payload: values.payload, seconds: null, ...part.publish },
      },
      consume: {
        ...{ address, topics: [`${context.topic}_${name}`], layers: PLAIN },
        ...{ finBatch: 0, requeueShare: 0, ...part.consume },
      },
    }));
    const measured = await context.measure('publishing and consuming', 'mixed', { parts });
    return { ...figuresOf(measured), ...peakOf(context.target) };
  },
};

/** The profile of each topic, derived from the seed. */
export function mixedParts({
  seed,
  topics,
  messages,
}: {
  readonly seed: number;
  readonly topics: number;
  readonly messages: number;
}): MixedPart[] {
  const random = seededNumbers(seed);
  const pick = (from: readonly number[]): number => from[random(from.length)];
  const weights = Array.from({ length: topics }, (_, index) => 1 / (index + 1));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight, index) => ({
    name: String(index),
    publish: {
      messages: Math.max(1, Math.round((messages * weight) / whole)),
      size: pick(SIZES),
      batch: pick(BATCHES),
      connections: 1 + random(CONNECTIONS_MAX),
      inFlight: 1 + random(IN_FLIGHT_MAX),
    },
    consume: {
      channels: Array.from({ length: 1 + random(CHANNELS_MAX) }, (_, channel) => `c${channel}`),
      connections: 1 + random(CONNECTIONS_MAX),
      rdy: pick(RDYS),
    },
  }));
}

export const MIXED = subcommand(LOAD);
