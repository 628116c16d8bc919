/**
 * Policies of topics and channels.
 *
 * Thread: any.
 */

import type { TopicPolicy } from '../../src/shared/topic-policy.ts';

/** nsqd's, with what is given. */
export function policyWith(given: Partial<TopicPolicy> = {}): TopicPolicy {
  return {
    memQueueSize: 10_000,
    maxDepth: 0,
    maxBytes: 0,
    whenFull: 'reject',
    acknowledge: given.memQueueSize === 0 ? 'write' : 'memory',
    ...given,
  };
}
