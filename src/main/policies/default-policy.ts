/**
 * The policy that the options make of every topic and channel.
 *
 * Thread: main.
 */

import type { TopicPolicy } from '../../shared/topic-policy.ts';
import type { Options } from '../options/options.ts';

export function defaultPolicy({
  memQueueSize,
  maxDepth,
  maxBytes,
  whenFull,
}: Pick<Options, 'memQueueSize' | 'maxDepth' | 'maxBytes' | 'whenFull'>): TopicPolicy {
  return {
    memQueueSize,
    maxDepth,
    maxBytes,
    whenFull: whenFull === 'drop-oldest' ? whenFull : 'reject',
    acknowledge: memQueueSize === 0 ? 'write' : 'memory',
  };
}
