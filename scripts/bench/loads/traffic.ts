/** `pub`, `sub` and `pubsub`: publishing and consuming, separately and at the same time. */

import { type Load, subcommand } from '../load.ts';
import { ArgumentError, choice, count, type OptionValues, optionalAmount } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { ACKNOWLEDGEMENTS, setPolicy } from '../server-queries.ts';
import { type Publication, publishing } from '../wire/commands.ts';
import {
  BATCH_OPTIONS,
  CONSUMER_OPTIONS,
  checkFinBatch,
  END_OPTIONS,
  endOf,
  LAYER_OPTIONS,
  layersOf,
  MESSAGES_DEFAULT,
  needsFor,
  PUBLISHER_OPTIONS,
  plainPublishing,
  RATE_OPTIONS,
} from './traffic-options.ts';

const PUB_OPTIONS = {
  ...END_OPTIONS,
  ...BATCH_OPTIONS,
  ...PUBLISHER_OPTIONS,
  ...RATE_OPTIONS,
  topics: count(1, 1, 'topics; each connection publishes to one of them'),
  acknowledge: choice(
    ACKNOWLEDGEMENTS,
    'what OK means: sets the policy of that name on the first server, a RingMQ',
  ),
  deferred: count(0, 0, 'publish with DPUB and this delay in ms; needs --batch 1'),
  ...LAYER_OPTIONS,
} as const;

const PUB_LOAD: Load<typeof PUB_OPTIONS> = {
  name: 'pub',
  unit: 'msg',
  summary: 'publish, in batches or one by one',
  about: `Publishes to a topic without channels. Percentiles are the time from sending a command to its
answer; with --rate, from the time at which it was due.`,
  examples: [
    '',
    '--batch 1 --connections 64 --in-flight 8 --messages 200k --null-sink',
    '--rate 50000 --batch 10 --seconds 10',
    '--batch 1 --connections 64 --in-flight 1 --topics 64 --acknowledge fsync',
    '--tls --compression snappy --messages 500k',
    '--address 10.0.0.5:4150 --against 10.0.0.6:4150 --runs 5',
  ],
  options: PUB_OPTIONS,
  warmUp: (values, messages, seconds) => ({ ...values, messages, seconds }),
  check: ({ batch, deferred }) => {
    if (deferred > 0 && batch > 1) {
      throw new ArgumentError('--deferred needs --batch 1: there is no MPUB that is deferred');
    }
  },
  needs: (values) => needsFor(endOf(values).messages, values),
  sink: (values, topic) => {
    if (values.tls || values.compression !== 'none') {
      return 'the null sink speaks neither TLS nor compression';
    }
    return {
      protocol: 'tcp',
      commandBytes: publishing({ ...publicationOf(values), topic }).length,
    };
  },
  run: async (context, values) => {
    const { target, topic } = context;
    const { acknowledge, topics } = values;
    if (acknowledge !== ACKNOWLEDGEMENTS[0] && target.role === 'server') {
      await setPolicy(target.httpAddress, 'bench', '*', { acknowledge });
    }
    const measured = await context.measure('publishing', 'publish', {
      ...publicationOf(values),
      topics: Array.from({ length: topics }, (_, index) =>
        topics === 1 ? topic : `${topic}_${index}`,
      ),
      ...endOf(values),
      address: context.target.address,
      layers: layersOf(values),
      connections: values.connections,
      inFlight: values.inFlight,
      rate: values.rate,
    });
    return { ...figuresOf(measured), ...peakOf(context.target) };
  },
};

/** The content of each command, without its topic. */
function publicationOf(values: OptionValues<typeof PUB_OPTIONS>): Omit<Publication, 'topic'> {
  const { batch, size, payload, deferred } = values;
  return { batch, size, payload, deferMs: deferred };
}

export const PUB = subcommand(PUB_LOAD);

/** Publishing the messages beforehand is not measured, and uses no layers. */
const FILLING = { connections: 2, inFlight: 2 };

const SUB_OPTIONS = {
  messages: count(MESSAGES_DEFAULT, 1, 'messages to publish first and then consume'),
  seconds: optionalAmount(0.001, 'end after this many seconds, even if messages are left'),
  ...BATCH_OPTIONS,
  connections: count(2, 1, 'consumers, all of one channel'),
  ...CONSUMER_OPTIONS,
  ...LAYER_OPTIONS,
} as const;

const SUB_LOAD: Load<typeof SUB_OPTIONS> = {
  name: 'sub',
  unit: 'msg',
  summary: 'consume and finish messages that were published before',
  about: `Publishes to a topic without channels, which is not measured; then subscribes, consumes and
finishes. The rate counts finished messages. CPU time is measured until the last FINs arrive.`,
  examples: [
    '',
    '--connections 8 --rdy 100 --messages 500k',
    '--requeue-share 0.1',
    '--fin-batch 1 --messages 200k',
    '--compression deflate --messages 500k',
  ],
  options: SUB_OPTIONS,
  warmUp: (values, messages) => ({ ...values, messages: Math.min(messages, values.messages) }),
  check: checkFinBatch,
  needs: (values) => needsFor(values.messages, values),
  sink: () => 'the null sink has no messages',
  run: async (context, values) => {
    const { address } = context.target;
    const topics = [context.topic];
    const { outcome } = await context.measure('publishing what is consumed', 'publish', {
      ...plainPublishing({ ...values, ...FILLING }),
      address,
      topics,
      messages: values.messages,
      seconds: null,
    });
    const measured = await context.measure('consuming', 'consume', {
      address,
      topics,
      layers: layersOf(values),
      channels: ['bench'],
      connections: values.connections,
      rdy: values.rdy,
      finBatch: values.finBatch,
      requeueShare: values.requeueShare,
      messages: outcome.count,
      seconds: values.seconds,
    });
    return { ...figuresOf(measured), ...peakOf(context.target) };
  },
};

export const SUB = subcommand(SUB_LOAD);

const PUBSUB_OPTIONS = {
  ...END_OPTIONS,
  ...BATCH_OPTIONS,
  ...PUBLISHER_OPTIONS,
  ...RATE_OPTIONS,
  consumers: count(2, 1, 'connections that consume'),
  ...CONSUMER_OPTIONS,
  ...LAYER_OPTIONS,
} as const;

const PUBSUB_LOAD: Load<typeof PUBSUB_OPTIONS> = {
  name: 'pubsub',
  unit: 'msg',
  summary: 'publish and consume at the same time, through one channel',
  about: `The rate counts messages from the first publish to the last finish; the published rate counts only
publishes. Percentiles are those of publishing commands.`,
  examples: [
    '',
    '--rate 100k --seconds 10',
    '--batch 1 --connections 16 --in-flight 8 --messages 500k',
  ],
  options: PUBSUB_OPTIONS,
  warmUp: (values, messages, seconds) => ({ ...values, messages, seconds }),
  check: checkFinBatch,
  needs: (values) => needsFor(endOf(values).messages, values),
  sink: () => 'the null sink has no messages',
  run: async (context, values) => {
    const { address } = context.target;
    const topics = [context.topic];
    const layers = layersOf(values);
    const measured = await context.measure('publishing and consuming', 'publishAndConsume', {
      publish: {
        ...endOf(values),
        address,
        topics,
        layers,
        batch: values.batch,
        size: values.size,
        payload: values.payload,
        deferMs: 0,
        connections: values.connections,
        inFlight: values.inFlight,
        rate: values.rate,
      },
      consume: {
        address,
        topics,
        layers,
        channels: ['bench'],
        connections: values.consumers,
        rdy: values.rdy,
        finBatch: values.finBatch,
        requeueShare: values.requeueShare,
      },
    });
    const { copyRate: _, ...figures } = figuresOf(measured);
    return { ...figures, ...peakOf(context.target) };
  },
};

export const PUBSUB = subcommand(PUBSUB_LOAD);
