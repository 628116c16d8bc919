/** `latency`: from publish to receive, at a fixed rate. */

import { type Load, subcommand } from '../load.ts';
import { ArgumentError, amount, count, type OptionValues, optionalCount } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { STAMP_BYTES } from '../workloads/timed-clients.ts';
import { LAYER_OPTIONS, layersOf, needsFor } from './traffic-options.ts';

const OPTIONS = {
  rate: amount(1000, 0.001, 'messages a second'),
  seconds: amount(5, 0.001, 'duration in seconds'),
  messages: optionalCount(1, 'end after this many messages instead of --seconds'),
  warmUp: amount(0, 0, 'seconds at the beginning that are not counted'),
  size: count(200, STAMP_BYTES, 'bytes of a message'),
  rdy: count(2500, 1, 'RDY of the consumer'),
  ...LAYER_OPTIONS,
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'latency',
  unit: 'msg',
  summary: 'time from publish to receive at a fixed rate (open loop)',
  about: `Each message is due at a fixed time, and its latency counts from that time to its arrival at a
consumer. So a stall of the server or of the generator counts in full (no coordinated omission).
The result also shows how late the generator was; if that is not small, the latency is not the
server's.`,
  examples: ['', '--rate 10000 --seconds 30 --warm-up 5', '--rate 1000 --tls'],
  options: OPTIONS,
  check: (values) => {
    if (values.warmUp * values.rate >= messagesOf(values)) {
      throw new ArgumentError(
        '--warm-up is as long as everything, so that nothing would be counted',
      );
    }
  },
  needs: (values) => needsFor(messagesOf(values), values),
  sink: () => 'the null sink has no messages',
  run: async (context, values) => {
    const measured = await context.measure('publishing at a rate', 'latency', {
      address: context.target.address,
      layers: layersOf(values),
      topic: context.topic,
      channel: 'bench',
      size: values.size,
      rdy: values.rdy,
      rate: values.rate,
      messages: messagesOf(values),
      warmUpSeconds: values.warmUp,
    });
    return { ...figuresOf(measured), ...peakOf(context.target) };
  },
};

function messagesOf({ rate, seconds, messages }: OptionValues<typeof OPTIONS>): number {
  return messages ?? Math.max(1, Math.round(rate * seconds));
}

export const LATENCY = subcommand(LOAD);
