/**
 * Tracing channels of `node:diagnostics_channel`, for spans and for context propagation. They cost nothing without
 * subscribers.
 *
 * Thread: any.
 */

import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { Message } from './message.ts';

/**
 * The context of the tracing channel `ringmq.publish`: one per call of `publish` and `publishMany`.
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
  /** The number of messages. */
  readonly count: number;
  /** Units: ms. */
  readonly delayMs: number;
  /** Set by Node after a failure. */
  error?: unknown;
};

/**
 * The context of the tracing channel `ringmq.process`: one per call of a handler. Its `start` runs before the
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
  /** Set by Node after a failure of the handler. */
  error?: unknown;
};

/** Traces publishes. */
export const publishTracing: TracingChannel = tracingChannel('ringmq.publish');
/** Traces handlers. */
export const processTracing: TracingChannel = tracingChannel('ringmq.process');
