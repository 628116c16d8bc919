/**
 * The dependencies of a channel, and what all channels of its pump thread share.
 *
 * Thread: pump.
 */

import type { ChannelPolicy } from '../../shared/topic-policy.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Delivery } from './delivery.ts';
import type { HeldTables } from './held-messages.ts';
import type { MessageQueue } from './message-queue.ts';
import type { LatencyWindow } from './processing-latency.ts';
import type { PumpMeter } from './pump-meter.ts';
import type { QueueTimers } from './queue-timers.ts';
import type { Undelivered } from './undelivered.ts';
import type { WallClock } from './wall-clock.ts';

/** What all channels of a pump thread share. */
export type ChannelContext<Channel> = HeldTables & {
  readonly delivery: Delivery;
  readonly meter: PumpMeter;
  readonly deadLetters: DeadLetters;
  readonly timers: QueueTimers;
  readonly wallClock: WallClock;
  readonly maxMsgTimeoutMs: number;
  /** Null if processing latencies are not measured. */
  readonly latencyWindow: LatencyWindow | null;
  /** Schedules a call of `deliver` in this turn. */
  readonly activate: (channel: Channel) => void;
};

/** The dependencies of a channel. Units: `nowMs` in ms, monotonic. */
export type ChannelOptions = {
  readonly number: number;
  readonly isPaused: boolean;
  readonly queue: MessageQueue;
  readonly undelivered: Undelivered;
  readonly policy: ChannelPolicy;
  readonly nowMs: number;
};
