/** `latency`: from publish to receive, at a fixed rate. */

import { type Load, subcommand } from '../load.ts';
import { amount, count, type OptionValues, optionalCount } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { PAYLOAD_OPTION } from '../wire/payload.ts';
import { STAMP_BYTES } from '../workloads/timed-clients.ts';
import { LAYER_OPTIONS, layersOf, needsFor } from './traffic-options.ts';

const OPTIONS = {
  rate: amount(1000, 0.001, 'messages a second'),
  seconds: amount(5, 0.001, 'duration in seconds'),
  messages: optionalCount(1, 'end after this many messages instead of --seconds'),
  size: count(200, STAMP_BYTES, 'bytes of a message'),
  payload: PAYLOAD_OPTION,
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
  warmUp: (values, _, seconds) => ({ ...values, messages: null, seconds }),
  check: () => undefined,
  needs: (values) => needsFor(messagesOf(values), values),
  sink: () => 'the null sink has no messages',
  run: async (context, values) => {
    const measured = await context.measure('publishing at a rate', 'latency', {
      address: context.target.address,
      layers: layersOf(values),
      topic: context.topic,
      channel: 'bench',
      size: values.size,
      payload: values.payload,
      rdy: values.rdy,
      rate: values.rate,
      messages: messagesOf(values),
    });
    return { ...figuresOf(measured), ...peakOf(context.target) };
  },
};

function messagesOf({ rate, seconds, messages }: OptionValues<typeof OPTIONS>): number {
  return messages ?? Math.max(1, Math.round(rate * seconds));
}

export const LATENCY = subcommand(LOAD);

/** The usual state of most brokers. */
export const LOW_RATE = subcommand({
  ...LOAD,
  name: 'low-rate',
  summary: 'CPU time and latency of a message at low rates',
  about: `As latency, with few messages: what the broker spends on each of them when it falls asleep in
between, and how soon it wakes up. Latencies count from when a message was due.`,
  examples: ['', '--rate 100 --seconds 30', '--rate 10000 --against-server nsqd'],
  options: { ...OPTIONS, seconds: amount(10, 0.001, 'duration in seconds') },
});
