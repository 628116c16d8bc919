/** `sub`: how fast are messages consumed? */

import { type Load, subcommand } from '../load.ts';
import { count, optionalAmount } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import {
  BATCH_OPTIONS,
  CONSUMER_OPTIONS,
  checkFinBatch,
  LAYER_OPTIONS,
  layersOf,
  MESSAGES_DEFAULT,
  needsFor,
  plainPublishing,
} from './traffic-options.ts';

/** How the messages come there is not measured, and always plain. */
const FILLING = { connections: 2, inFlight: 2 };

const OPTIONS = {
  messages: count(MESSAGES_DEFAULT, 1, 'messages to publish first and then consume'),
  seconds: optionalAmount(0.001, 'end after this many seconds, even if messages are left'),
  ...BATCH_OPTIONS,
  connections: count(2, 1, 'consumers, all of one channel'),
  ...CONSUMER_OPTIONS,
  ...LAYER_OPTIONS,
} as const;

const LOAD: Load<typeof OPTIONS> = {
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
  options: OPTIONS,
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

export const SUB = subcommand(LOAD);
