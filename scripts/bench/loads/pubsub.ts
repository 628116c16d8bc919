/** `pubsub`: publish and consume at once, through one channel. */

import { type Load, subcommand } from '../load.ts';
import { count } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import {
  BATCH_OPTIONS,
  CONSUMER_OPTIONS,
  checkFinBatch,
  END_OPTIONS,
  endOf,
  LAYER_OPTIONS,
  layersOf,
  needsFor,
  PUBLISHER_OPTIONS,
  RATE_OPTIONS,
} from './traffic-options.ts';

const OPTIONS = {
  ...END_OPTIONS,
  ...BATCH_OPTIONS,
  ...PUBLISHER_OPTIONS,
  ...RATE_OPTIONS,
  consumers: count(2, 1, 'connections that consume'),
  ...CONSUMER_OPTIONS,
  ...LAYER_OPTIONS,
} as const;

const LOAD: Load<typeof OPTIONS> = {
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
  options: OPTIONS,
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

export const PUBSUB = subcommand(LOAD);
