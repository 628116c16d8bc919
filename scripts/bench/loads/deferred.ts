/** `deferred`: how late do deferred messages come? */

import { type Load, subcommand } from '../load.ts';
import { amount, count } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { STAMP_BYTES } from '../workloads/timed-clients.ts';
import { needsFor } from './traffic-options.ts';

const OPTIONS = {
  messages: count(1_000_000, 1, 'messages'),
  delay: amount(10, 0, 'seconds from the first publish to the first message that is due'),
  seconds: amount(10, 0.001, 'seconds over which the messages come due evenly'),
  size: count(STAMP_BYTES, STAMP_BYTES, 'bytes of a message'),
  rdy: count(2500, 1, 'RDY of the consumer'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'deferred',
  unit: 'msg',
  summary: 'many deferred messages: how late they are delivered, and whether any is early',
  about: `Publishes with DPUB so that the messages come due evenly over a period, and consumes them.
Percentiles are of the lateness. A message that could not be sent in time is due at once.`,
  examples: ['', '--messages 100k --delay 3 --seconds 5'],
  options: OPTIONS,
  check: () => undefined,
  needs: ({ messages }) => needsFor(messages, null),
  sink: () => 'the null sink has no messages',
  run: async (context, values) => {
    const measured = await context.measure('deferring', 'deferred', {
      address: context.target.address,
      topic: context.topic,
      channel: 'bench',
      messages: values.messages,
      size: values.size,
      rdy: values.rdy,
      delayMs: values.delay * 1000,
      spreadMs: values.seconds * 1000,
    });
    // a rate that the load itself has set says nothing
    const { rate: _, ...figures } = figuresOf(measured);
    return { ...figures, ...peakOf(context.target) };
  },
};

export const DEFERRED = subcommand(LOAD);
