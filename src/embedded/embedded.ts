/**
 * The broker as a value: the exports of `ringmq`. The client is `ringmq/client`.
 */

export { type Codec, jsonCodec } from '../client/body-codec.ts';
export type { Consumer } from '../client/consumer.ts';
export type { Handler } from '../client/handler-run.ts';
export type { Message, MessageState, RequeueOptions } from '../client/message.ts';
export { NsqError, type NsqErrorCode } from '../client/nsq-error.ts';
export type { EffectiveValue } from '../main/policies/effective.ts';
export type { BrokerStats } from '../main/stats/stats.ts';
export type { Broker, StatsRequest, SubscribeOptions } from './broker.ts';
export type { BrokerLog, BrokerOptions } from './broker-options.ts';
export type { BrokerPolicies, BrokerPolicy, PolicyGiven } from './broker-policies.ts';
export type { BrokerTopics } from './broker-topics.ts';
export { createBroker } from './create-broker.ts';
export type { LocalPublishOptions } from './local-publisher.ts';
