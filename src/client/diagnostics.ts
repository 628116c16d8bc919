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
 * tracingChannel('ringmq.publish').subscribe({
 *   start: (context) => console.log('publishes to', (context as PublishContext).topic),
 *   end: () => undefined,
 *   asyncStart: () => undefined,
 *   asyncEnd: (context) => console.log('published to', (context as PublishContext).topic),
 *   error: (context) => console.error('failed', (context as PublishContext).error),
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
 * tracingChannel('ringmq.process').subscribe({
 *   start: (context) => console.log('begins with', (context as ProcessContext).message.id),
 *   end: () => undefined,
 *   asyncStart: () => undefined,
 *   asyncEnd: (context) => console.log('is done with', (context as ProcessContext).message.id),
 *   error: (context) => console.error('failed', (context as ProcessContext).error),
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
export const publishTracing: TracingChannel = tracingChannel('ringmq.publish');
/** Tells of handlers. */
export const processTracing: TracingChannel = tracingChannel('ringmq.process');
