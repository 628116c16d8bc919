/** `deferred` and `expiry`: how late messages become due or expire. */

import { type Load, subcommand } from '../load.ts';
import { ArgumentError, amount, count } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { createChannel, deletePolicy, deleteTopic, setPolicy } from '../server-queries.ts';
import { STAMP_BYTES } from '../workloads/timed-clients.ts';
import { needsFor } from './traffic-options.ts';

const DEFERRED_OPTIONS = {
  messages: count(1_000_000, 1, 'messages'),
  delay: amount(10, 0, 'seconds from the first publish to the first message that is due'),
  seconds: amount(10, 0.001, 'seconds over which the messages come due evenly'),
  size: count(STAMP_BYTES, STAMP_BYTES, 'bytes of a message'),
  rdy: count(2500, 1, 'RDY of the consumer'),
} as const;

const DEFERRED_LOAD: Load<typeof DEFERRED_OPTIONS> = {
  name: 'deferred',
  unit: 'msg',
  summary: 'many deferred messages: how late they are delivered, and whether any is early',
  about: `Publishes with DPUB so that the messages come due evenly over a period, and consumes them.
Percentiles are of the lateness. A message that could not be sent in time is due at once.`,
  examples: ['', '--messages 100k --delay 3 --seconds 5'],
  options: DEFERRED_OPTIONS,
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
    // a rate that the load itself sets says nothing
    const { rate: _, ...figures } = figuresOf(measured);
    return { ...figures, ...peakOf(context.target) };
  },
};

export const DEFERRED = subcommand(DEFERRED_LOAD);

const POLICY = 'bench-expiry';
const CHANNEL = 'bench';

/**
 * The time from the last publish of the warm-up to the first message that expires, in which the others are consumed.
 */
const WARM_UP_REST_SECONDS = 2;

const EXPIRY_OPTIONS = {
  messages: count(1_000_000, 1, 'messages'),
  share: amount(33.3, 0, 'percent of the messages that expire, the last ones; 0: no policy'),
  ttl: amount(25, 0.001, 'message-ttl in seconds'),
  seconds: amount(20, 0.001, 'seconds over which the messages are published evenly'),
  batch: count(200, 1, 'messages of an MPUB'),
  size: count(200, STAMP_BYTES, 'bytes of a message'),
  rdy: count(2500, 1, 'RDY of the consumers'),
} as const;

const EXPIRY_LOAD: Load<typeof EXPIRY_OPTIONS> = {
  name: 'expiry',
  unit: 'msg',
  summary: 'messages with a time to live: how late their dead letters are delivered',
  about: `Publishes with the policy message-ttl, finishes all but the last messages, and consumes what expires
from a dead-letter topic. Percentiles are how late the dead letters come, from when the message
was sent and its time to live. Compare the peak memory with that of --share 0 to see what ages cost.`,
  examples: ['', '--share 0', '--messages 100k --ttl 6 --seconds 4'],
  options: EXPIRY_OPTIONS,
  check: ({ share, ttl, seconds }) => {
    if (share > 100) throw new ArgumentError('--share takes a percentage');
    if (share > 0 && ttl <= seconds) throw new ArgumentError('--ttl must be more than --seconds');
  },
  needs: ({ messages }) => needsFor(messages, null),
  sink: () => 'the null sink has no messages',
  // Dead letters take a different path through the server than ordinary traffic.
  warmUp: (values, messagesMax, seconds) => ({
    ...values,
    ...{ messages: Math.min(messagesMax, values.messages), share: values.share > 0 ? 50 : 0 },
    ...{ seconds, ttl: seconds + WARM_UP_REST_SECONDS },
  }),
  run: async (context, { messages, share, ttl, seconds, batch, size, rdy }) => {
    const { target, topic } = context;
    const deadTopic = `${topic}_dead`;
    const expiring = Math.round((messages * share) / 100);
    if (expiring > 0) {
      await setPolicy(target.httpAddress, POLICY, `${topic}:${CHANNEL}`, {
        'message-ttl': `${ttl * 1000}ms`,
        'dead-letter': deadTopic,
      });
    }
    await createChannel(target.httpAddress, topic, CHANNEL);
    const measured = await context.measure('expiring', 'expiry', {
      address: target.address,
      topic,
      channel: CHANNEL,
      deadTopic,
      messages,
      expiring,
      batch,
      size,
      rdy,
      ttlMs: ttl * 1000,
      spreadMs: seconds * 1000,
    });
    const peak = peakOf(target);
    if (expiring > 0) await deletePolicy(target.httpAddress, POLICY);
    await deleteTopic(target.httpAddress, deadTopic);
    // a rate that the load itself sets says nothing
    const { rate: _, ...figures } = figuresOf(measured);
    return { ...figures, ...peak };
  },
};

export const EXPIRY = subcommand(EXPIRY_LOAD);
