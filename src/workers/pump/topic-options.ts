/**
 * The dependencies of a topic, and what is published to it.
 *
 * Thread: pump.
 */

import type { MessageIdFactory } from '../../shared/message-id.ts';
import type { Replication, TopicPolicy } from '../../shared/topic-policy.ts';
import type { TopicBacklog } from './backend/write-backlog.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { FanOutBudget } from './fan-out.ts';
import type { MessageQueueOptions } from './message-queue-options.ts';
import type { QueueTimers } from './queue-timers.ts';
import type { WallClock } from './wall-clock.ts';

/** Published messages as they are in a ring: see PUBLISH in `shared/records.ts`. */
export type PublishedMessages = {
  bytes: Buffer;
  at: number;
  count: number;
  deferMs: number;
  timestampHigh: number;
  timestampLow: number;
  /** Whether they go to files, if the topic has any, even if memory is free. */
  isToDisk: boolean;
};

/** The dependencies of a topic. */
export type TopicOptions = MessageQueueOptions & {
  readonly number: number;
  readonly name: string;
  readonly isPaused: boolean;
  readonly isStarted: boolean;
  readonly backlog: TopicBacklog;
  /** Null unless it is kept by the store of replicated topics. */
  readonly replication: Replication | null;
  readonly ids: MessageIdFactory;
  readonly wallClock: WallClock;
  /** The turn's budget for fan-outs, shared by all topics. */
  readonly budget: FanOutBudget;
  /** Schedules a call of `drain`: waiting messages can go to the channels. */
  readonly onWaiting: () => void;
  readonly timers: QueueTimers;
  readonly deadLetters: DeadLetters;
  readonly policy: TopicPolicy;
};
