/**
 * Events and statistics of consumers.
 *
 * Thread: any.
 */

import type { Message } from './message.ts';
import type { NsqError } from './nsq-error.ts';

/**
 * The events of a consumer.
 *
 * @example
 * ```ts
 * import { Consumer } from 'ringmq/client';
 *
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: ['127.0.0.1:4150'] });
 * consumer.on('connect', (address) => console.log('connected to', address));
 * consumer.on('disconnect', (address, error) => console.log('left', address, error?.message));
 * consumer.on('error', (error) => console.error('tried again:', error.message));
 * consumer.on('failure', (error, message) => console.error('order', message.id, 'failed:', error));
 * consumer.on('lookup', (addresses) => console.log('brokers of orders:', addresses));
 * consumer.on('backoff', (level, delayMs) => console.log('pauses for', delayMs, 'ms, level', level));
 * await consumer.close();
 * ```
 */
export type ConsumerEvents<T> = {
  /** A broker has accepted the subscription. */
  connect: [address: string];
  /** A connection has ended; its unanswered messages are redelivered. */
  disconnect: [address: string, error: NsqError | null];
  /** The nsqlookupds that answered know these brokers of the topic; it may be none. Each round of queries has one. */
  lookup: [addresses: readonly string[]];
  /** A failure that the consumer retries. Without a listener, the first one is reported as a process warning. */
  error: [error: NsqError];
  /** A handler or `onDiscard` has failed. */
  failure: [error: unknown, message: Message<T>];
  /** A message is discarded. */
  discard: [message: Message<T>, error: unknown];
  /** Delivery pauses after a failure. */
  backoff: [level: number, delayMs: number];
  /** Delivery has resumed fully. */
  resume: [];
};

/**
 * A consumer's counters.
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
  /** Messages that are delivered and not answered. */
  readonly inFlightCount: number;
  /** Those of them that no handler or iterator has taken yet. */
  readonly waitingCount: number;
  readonly receivedCount: number;
  readonly finishedCount: number;
  readonly requeuedCount: number;
  readonly touchedCount: number;
  /** Messages that were discarded. */
  readonly discardedCount: number;
  /** Messages that could no longer be answered: their connection was lost, or they timed out. */
  readonly lostCount: number;
  /** Failures in a row; 0 without backoff. */
  readonly backoffLevel: number;
};
