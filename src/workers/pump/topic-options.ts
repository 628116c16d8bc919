/**
 * What a topic is made of, and what is published to it.
 *
 * Thread: pump.
 */

import type { TopicPolicy } from '../../shared/topic-policy.ts';
import type { Alarms } from './alarms.ts';
import type { TopicBacklog } from './backend/write-backlog.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { HandOverBudget } from './hand-over.ts';
import type { MessageIdFactory } from './message-id-factory.ts';
import type { MessageQueueOptions } from './message-queue.ts';
import type { WallClock } from './wall-clock.ts';

/** Published messages as they stand in a ring: see PUBLISH in `shared/records.ts`. */
export type Publication = {
  bytes: Buffer;
  at: number;
  count: number;
  deferMs: number;
  timestampHigh: number;
  timestampLow: number;
  /** Whether they go to files, where there are any, whatever memory is free. */
  isToDisk: boolean;
};

/** What a topic is made of. */
export type TopicOptions = MessageQueueOptions & {
  readonly number: number;
  readonly name: string;
  readonly isPaused: boolean;
  readonly isStarted: boolean;
  readonly backlog: TopicBacklog;
  readonly ids: MessageIdFactory;
  readonly wallClock: WallClock;
  /** What is left of this turn for hand-overs, of this topic as of others. */
  readonly budget: HandOverBudget;
  /** Has `drain` called: messages wait although they may go on. */
  readonly onWaiting: () => void;
  readonly alarms: Alarms;
  readonly deadLetters: DeadLetters;
  readonly policy: TopicPolicy;
};
