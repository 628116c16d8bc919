/**
 * Channels of `node:diagnostics_channel` that tell programs in the same process, such as an embedder's or what
 * `--import` has loaded, what the broker does with messages. Without subscribers a channel costs one look at a field.
 *
 * | channel | when | context |
 * | --- | --- | --- |
 * | `ringmq.broker.publish` | a publish was taken | `PublishEvent` |
 * | `ringmq.broker.deliver` | messages were handed to a consumer's socket, a batch at a time | `DeliverEvent` |
 * | `ringmq.broker.finish`, `ringmq.broker.requeue` | a consumer has sent FIN or REQ | `AnswerEvent` |
 * | `ringmq.broker.timeout` | messages were not answered in time | `TimeoutEvent` |
 *
 * A pump may still refuse a FIN or REQ, of a message that the consumer does not have. Timeouts of a channel are told
 * together, turn by turn of its pump. Events are made on main, in the turn that brings them. Subscribers run within
 * the broker: they must be quick.
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
