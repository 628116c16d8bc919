/**
 * What a channel is made of, and what it shares with the others of its pump thread.
 *
 * Thread: pump.
 */

import type { ChannelPolicy } from '../../shared/topic-policy.ts';
import type { Alarms } from './alarms.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Delivery } from './delivery.ts';
import type { HeldTables } from './held-messages.ts';
import type { MessageQueue } from './message-queue.ts';
import type { LatencyWindow } from './processing-latency.ts';
import type { Undelivered } from './undelivered.ts';
import type { WallClock } from './wall-clock.ts';

/** What all channels of a pump thread use together. */
export type ChannelContext<Channel> = HeldTables & {
  readonly delivery: Delivery;
  readonly deadLetters: DeadLetters;
  readonly alarms: Alarms;
  readonly wallClock: WallClock;
  readonly maxMsgTimeoutMs: number;
  /** Null where nobody asks for processing latencies. */
  readonly latencyWindow: LatencyWindow | null;
  /** Has `deliver` called in this turn. */
  readonly activate: (channel: Channel) => void;
};

/** What a channel is made of. Units: `nowMs` in ms, monotonic. */
export type ChannelOptions = {
  readonly number: number;
  readonly isPaused: boolean;
  readonly queue: MessageQueue;
  readonly undelivered: Undelivered;
  readonly policy: ChannelPolicy;
  readonly nowMs: number;
};
