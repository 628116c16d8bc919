/** `idle`: many consumers without messages. */

import { type Load, subcommand } from '../load.ts';
import { ArgumentError, amount, count } from '../options.ts';
import { peakOf } from '../run-context.ts';
import { needsFor } from './traffic-options.ts';

const SETTLE_MS = 2000;
const HEARTBEAT_MS_MIN = 1000;
const KIB = 1024;

const OPTIONS = {
  consumers: count(10_000, 1, 'consumers, all of one channel'),
  seconds: amount(20, 1, 'seconds of observation'),
  heartbeat: count(5000, HEARTBEAT_MS_MIN, 'ms between two heartbeats of a consumer'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'idle',
  unit: 'consumer',
  summary: 'thousands of consumers without messages: memory, punctual heartbeats',
  about: `Connects and subscribes consumers, waits until the server is idle, and observes them. Percentiles
are how far a heartbeat is from its time, which the consumer's first heartbeat sets. Server and
generator need a file descriptor for each consumer: see ulimit -n.`,
  examples: ['', '--consumers 1000 --seconds 60 --heartbeat 30000'],
  options: OPTIONS,
  check: ({ seconds, heartbeat }) => {
    if (seconds * 1000 < 2 * heartbeat) {
      throw new ArgumentError(
        `--seconds ${seconds} is too short to see two heartbeats of --heartbeat ${heartbeat} ms`,
      );
    }
  },
  needs: () => needsFor(1, null),
  sink: () => 'the null sink has no consumers',
  run: async (context, values) => {
    const measured = await context.measure('connecting and watching', 'idle', {
      address: context.target.address,
      topic: context.topic,
      channel: 'bench',
      consumers: values.consumers,
      heartbeatMs: values.heartbeat,
      seconds: values.seconds,
      settleMs: SETTLE_MS,
    });
    const { outcome, serverCpuUs, residentMib } = measured;
    const [beforeMib, afterMib] = residentMib;
    const isKnown = beforeMib !== undefined && afterMib !== undefined;
    return {
      ...(isKnown
        ? { residentMib: afterMib, consumerKib: ((afterMib - beforeMib) * KIB) / values.consumers }
        : {}),
      ...(serverCpuUs === undefined ? {} : { idleCpu: serverCpuUs / outcome.elapsedMs / 10 }),
      ...outcome.percentiles,
      ...outcome.figures,
      ...peakOf(context.target),
    };
  },
};

export const IDLE = subcommand(LOAD);
