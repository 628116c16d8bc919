/**
 * Channels of `node:diagnostics_channel`, on which programs in the same process (an embedder, or code that `--import`
 * loads) can follow what the broker does with messages. A channel without subscribers costs one read of a field.
 *
 * | channel | when | context |
 * | --- | --- | --- |
 * | `ringmq.broker.publish` | a publish was accepted | `PublishEvent` |
 * | `ringmq.broker.deliver` | messages were passed to a consumer's socket, one batch per event | `DeliverEvent` |
 * | `ringmq.broker.finish`, `ringmq.broker.requeue` | a consumer sent FIN or REQ | `AnswerEvent` |
 * | `ringmq.broker.timeout` | messages were not answered in time | `TimeoutEvent` |
 *
 * The pump may still refuse a FIN or REQ of a message that the consumer does not have. The timeouts of a channel are
 * grouped by turns of its pump. Events are published on main, in the turn that brings them. Subscribers run within the
 * broker and must be fast.
 * Thread: main.
 */

import { channel } from 'node:diagnostics_channel';

/** A publish. Units: `bytes` with 4 for the size of each message; `delayMs` in ms, 0 for at once. */
export type PublishEvent = {
  readonly topic: string;
  readonly count: number;
  readonly bytes: number;
  readonly delayMs: number;
};

/** A delivery. Shape: `client` is its address. Units: `bytes` of frames. */
export type DeliverEvent = {
  readonly topic: string;
  readonly channel: string;
  readonly client: string;
  readonly count: number;
  readonly bytes: number;
};

/** FIN or REQ. Shape: `id` is 16 hex digits. Units: `delayMs` of REQ in ms. */
export type AnswerEvent = {
  readonly topic: string;
  readonly channel: string;
  readonly client: string;
  readonly id: string;
  readonly delayMs?: number;
};

/** Messages that timed out. */
export type TimeoutEvent = {
  readonly topic: string;
  readonly channel: string;
  readonly count: number;
};

/** The channels. */
export const brokerChannels = {
  publish: channel('ringmq.broker.publish'),
  deliver: channel('ringmq.broker.deliver'),
  finish: channel('ringmq.broker.finish'),
  requeue: channel('ringmq.broker.requeue'),
  timeout: channel('ringmq.broker.timeout'),
} as const;
