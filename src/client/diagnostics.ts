/**
 * What `node:diagnostics_channel` shows of clients: tracing channels, so that spans can be made and contexts kept.
 * They cost nothing while nobody has subscribed.
 *
 * Thread: any.
 */

import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { Message } from './message.ts';

/**
 * What the tracing channel `ringmq.publish` tells: one context per call of `publish` and `publishMany`.
 *
 * @example
 * ```ts
 * import { tracingChannel } from 'node:diagnostics_channel';
 * import type { PublishContext } from 'ringmq/client';
 *
 * tracingChannel<object, PublishContext>('ringmq.publish').subscribe({
 *   start: ({ topic, count }) => console.log(`publishes ${count} to ${topic}`),
 *   end: () => undefined,
 *   asyncStart: () => undefined,
 *   asyncEnd: ({ topic }) => console.log(`published to ${topic}`),
 *   error: ({ topic, error }) => console.error(`failed to publish to ${topic}`, error),
 * });
 * ```
 */
export type PublishContext = {
  readonly topic: string;
  /** How many messages. */
  readonly count: number;
  /** Units: ms. */
  readonly delayMs: number;
  /** Set by Node when it has failed. */
  error?: unknown;
};

/**
 * What the tracing channel `ringmq.process` tells: one context per call of a handler. Its `start` runs before the
 * handler, in the same asynchronous context.
 *
 * @example
 * ```ts
 * import { tracingChannel } from 'node:diagnostics_channel';
 * import type { ProcessContext } from 'ringmq/client';
 *
 * tracingChannel<object, ProcessContext>('ringmq.process').subscribe({
 *   start: ({ message }) => console.log(`begins with ${message.id}`),
 *   end: () => undefined,
 *   asyncStart: () => undefined,
 *   asyncEnd: ({ message }) => console.log(`is done with ${message.id}`),
 *   error: ({ message, error }) => console.error(`failed at ${message.id}`, error),
 * });
 * ```
 */
export type ProcessContext = {
  readonly topic: string;
  readonly channel: string;
  readonly message: Message<unknown>;
  /** Set by Node when the handler has failed. */
  error?: unknown;
};

/** Tells of publishes. */
export const publishTracing: TracingChannel<object, PublishContext> =
  tracingChannel('ringmq.publish');
/** Tells of handlers. */
export const processTracing: TracingChannel<object, ProcessContext> =
  tracingChannel('ringmq.process');
