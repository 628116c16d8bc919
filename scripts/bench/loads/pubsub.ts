/** `pubsub`: publish and consume at once, through one channel. */

import { type Load, subcommand } from '../load.ts';
import { ArgumentError, amount, count, share } from '../option-kinds.ts';
import { figuresOf, peakOf } from '../stage.ts';
import {
  BATCH_OPTIONS,
  END_OPTIONS,
  endOf,
  LAYER_OPTIONS,
  layersOf,
  needsFor,
} from './traffic-options.ts';

const OPTIONS = {
  ...END_OPTIONS,
  ...BATCH_OPTIONS,
  connections: count(2, 1, 'connections that publish'),
  inFlight: count(2, 1, 'commands of a publishing connection that are not answered yet'),
  rate: amount(
    0,
    0,
    'messages a second, due at their times whatever the server does; 0 is full speed',
  ),
  consumers: count(2, 1, 'connections that consume'),
  rdy: count(2500, 1, 'RDY of each consumer'),
  finBatch: count(0, 0, 'FINs that are written together; 0: those for whatever one read brings'),
  requeueShare: share(0, 'of the deliveries, how many are answered with REQ and come again'),
  ...LAYER_OPTIONS,
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'pubsub',
  unit: 'msg',
  summary: 'publishes and consumes at once, through one channel',
  about: `The rate is that of messages that have come through: from the first publish to the last message finished. The
published rate says how fast they were taken. The percentiles are those of publishing commands.`,
  examples: [
    '',
    '--rate 100k --seconds 10',
    '--batch 1 --connections 16 --in-flight 8 --messages 500k',
  ],
  options: OPTIONS,
  check: ({ finBatch, rdy }) => {
    if (finBatch > rdy)
      throw new ArgumentError(`--fin-batch ${finBatch} is more than --rdy ${rdy}`);
  },
  needs: (values) => needsFor(endOf(values).messages, values),
  sink: () => 'the null sink has no messages',
  run: async (stage, values) => {
    const { address } = stage.target;
    const topics = [stage.topic];
    const layers = layersOf(values);
    const measured = await stage.drive('publishing and consuming', 'publishAndConsume', {
      publish: {
        ...endOf(values),
        address,
        topics,
        layers,
        batch: values.batch,
        size: values.size,
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
    return { ...figures, ...peakOf(stage.target) };
  },
};

export const PUBSUB = subcommand(LOAD);
