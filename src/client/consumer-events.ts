/**
 * What consumers tell of themselves.
 *
 * Thread: any.
 */

import type { Message } from './message.ts';
import type { NsqError } from './nsq-error.ts';

/** What a consumer tells, by event. */
export type ConsumerEvents<T> = {
  /** A broker accepts the subscription. */
  connect: [address: string];
  /** A connection is gone; its unanswered messages come again. */
  disconnect: [address: string, error: NsqError | null];
  /** Something has failed that is tried again. Without a listener, a warning of the process tells of the first one. */
  error: [error: NsqError];
  /** A handler has failed, or `onDiscard` has. */
  failure: [error: unknown, message: Message<T>];
  /** A message is given up. */
  discard: [message: Message<T>, error: unknown];
  /** Messages stop for a while after a failure. */
  backoff: [level: number, delayMs: number];
  /** All flows again. */
  resume: [];
};

/**
 * What a consumer has done, and what it has.
 *
 * @example
 * ```ts
 * import { Consumer, type ConsumerStats } from 'ringmq/client';
 *
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: ['127.0.0.1:4150'] });
 * const stats: ConsumerStats = consumer.stats();
 * console.log(stats.finishedCount, stats.inFlightCount);
 * await consumer.close();
 * ```
 */
export type ConsumerStats = {
  readonly connectionCount: number;
  /** Messages that are here and not answered. */
  readonly inFlightCount: number;
  /** Those of them that nobody has taken yet. */
  readonly waitingCount: number;
  readonly receivedCount: number;
  readonly finishedCount: number;
  readonly requeuedCount: number;
  readonly touchedCount: number;
  /** Messages that were given up. */
  readonly discardedCount: number;
  /** Messages that could not be answered: their connection was gone, or their time was over. */
  readonly lostCount: number;
  /** Failures in a row; 0 when all flows. */
  readonly backoffLevel: number;
};
