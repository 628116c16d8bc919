/** `expiry`: how late do messages expire, and what does their age cost in memory? */

import { type Load, subcommand } from '../load.ts';
import { ArgumentError, amount, count } from '../options.ts';
import { deletePolicy, setPolicy } from '../policies.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { createChannel, deleteTopic } from '../server-queries.ts';
import { STAMP_BYTES } from '../workloads/timed-clients.ts';
import { needsFor } from './traffic-options.ts';

const POLICY = 'bench-expiry';
const CHANNEL = 'bench';

const OPTIONS = {
  messages: count(1_000_000, 1, 'messages'),
  share: amount(33.3, 0, 'percent of the messages that expire, the last ones; 0: no policy'),
  ttl: amount(25, 0.001, 'message-ttl in seconds'),
  seconds: amount(20, 0.001, 'seconds over which the messages are published evenly'),
  batch: count(200, 1, 'messages of an MPUB'),
  size: count(200, STAMP_BYTES, 'bytes of a message'),
  rdy: count(2500, 1, 'RDY of the consumers'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'expiry',
  unit: 'msg',
  summary: 'messages with a time to live: how late their dead letters are delivered',
  about: `Publishes with the policy message-ttl, finishes all but the last messages, and consumes what expires
from a dead-letter topic. Percentiles are how late the dead letters come, from when the message
was sent and its time to live. Compare the peak memory with that of --share 0 to see what ages cost.`,
  examples: ['', '--share 0', '--messages 100k --ttl 6 --seconds 4'],
  options: OPTIONS,
  check: ({ share, ttl, seconds }) => {
    if (share > 100) throw new ArgumentError('--share takes a percentage');
    if (share > 0 && ttl <= seconds) throw new ArgumentError('--ttl must be more than --seconds');
  },
  needs: ({ messages }) => needsFor(messages, null),
  sink: () => 'the null sink has no messages',
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
    // a rate that the load itself has set says nothing
    const { rate: _, ...figures } = figuresOf(measured);
    return { ...figures, ...peak };
  },
};

export const EXPIRY = subcommand(LOAD);
