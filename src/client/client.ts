/** The client library: the exports of `ringmq/client`. It works with RingMQ and with any nsqd. */

export { type Codec, jsonCodec } from './body-codec.ts';
export type { Body } from './command-buffer.ts';
export type { ConnectionOptions, TlsOptions } from './connection-options.ts';
export { Consumer } from './consumer.ts';
export type { ConsumerEvents, ConsumerStats } from './consumer-events.ts';
export type { ConsumerOptions } from './consumer-options.ts';
export type { ProcessContext, PublishContext } from './diagnostics.ts';
export type { Handler, RunOptions } from './handler-run.ts';
export type { LookupdOptions } from './lookupd-options.ts';
export { Message, type MessageState, type RequeueOptions } from './message.ts';
export { NsqError, type NsqErrorCode, type NsqErrorDetails } from './nsq-error.ts';
export { Producer, type ProducerEvents, type PublishOptions } from './producer.ts';
export type { ProducerOptions } from './producer-options.ts';
