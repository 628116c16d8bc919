/**
 * Builds the policy of a topic or a channel: the values of policies, completed by the options.
 *
 * Thread: any (pure).
 */

import type {
  Acknowledge,
  ChannelPolicy,
  QueuePolicy,
  TopicPolicy,
} from '../../shared/topic-policy.ts';
import type { Options } from '../options/options.ts';
import type { PolicyValues } from './policy-keys.ts';
import { WHILE_WANTED } from './retention.ts';

/** The options that apply to every topic and channel. */
export type PolicyOptions = Pick<
  Options,
  'memQueueSize' | 'maxDepth' | 'maxBytes' | 'whenFull' | 'msgTimeoutMs' | 'natsUrl'
>;

type Values = Partial<PolicyValues>;

/** The default burst of a rate limit is the number of messages of 10 ms. */
const BURSTS_PER_SECOND = 100;

/** The policy of a topic. */
export function topicPolicy(options: PolicyOptions, values: Values): TopicPolicy {
  const queue = queuePolicy(options, values);
  const acknowledge = acknowledgeOf(queue.memQueueSize, values);
  return {
    ...queue,
    memQueueSize: memQueueSizeOf(queue, values.acknowledge),
    acknowledge,
    store: values.store === 'nats' ? 'nats' : 'local',
    replicas: values.replicas ?? 0,
    retention: values.retention ?? WHILE_WANTED,
    deduplicateMs: values.deduplicateMs ?? 0,
    deduplicateKey: values.deduplicateKey ?? 'body',
  };
}

/** The policy of a channel; `acknowledge` is the value for its topic. */
export function channelPolicy(
  options: PolicyOptions,
  acknowledge: string | undefined,
  values: Values,
): ChannelPolicy {
  const queue = queuePolicy(options, values);
  const maxRate = values.maxRate ?? 0;
  return {
    ...queue,
    memQueueSize: memQueueSizeOf(queue, acknowledge),
    maxInFlight: values.maxInFlight ?? 0,
    maxRate,
    burst: values.burst ?? Math.max(1, Math.ceil(maxRate / BURSTS_PER_SECOND)),
    maxAttempts: values.maxAttempts ?? 0,
    requeueBackoff: values.requeueBackoff ?? null,
    msgTimeoutMs: values.msgTimeoutMs ?? options.msgTimeoutMs,
    expiresMs: values.expiresMs ?? 0,
    warnAfterMs: values.warnAfterMs ?? 0,
  };
}

function queuePolicy(options: PolicyOptions, values: Values): QueuePolicy {
  const whenFull = values.whenFull ?? options.whenFull;
  return {
    memQueueSize: values.memQueueSize ?? options.memQueueSize,
    maxDepth: values.maxDepth ?? options.maxDepth,
    maxBytes: values.maxBytes ?? options.maxBytes,
    whenFull: whenFull === 'drop-oldest' || whenFull === 'dead-letter' ? whenFull : 'reject',
    messageTtlMs: values.messageTtlMs ?? 0,
    deadLetter: values.deadLetter ?? '',
    deadLetterEnvelope: values.deadLetterEnvelope === 'json' ? 'json' : 'none',
  };
}

/** A topic that keeps nothing in memory acknowledges after the write, unless a policy says otherwise. */
function acknowledgeOf(memQueueSize: number, { acknowledge }: Values): Acknowledge {
  if (acknowledge === 'write' || acknowledge === 'fsync') return acknowledge;
  if (acknowledge !== undefined) return 'memory';
  return memQueueSize === 0 ? 'write' : 'memory';
}

/** What is acknowledged after a write or a sync goes to the files of the topic and of all its channels. */
function memQueueSizeOf({ memQueueSize }: QueuePolicy, acknowledge: string | undefined): number {
  return acknowledge === 'write' || acknowledge === 'fsync' ? 0 : memQueueSize;
}
