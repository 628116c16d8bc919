/**
 * Compares a pump's topics and channels with their models, at the end of a turn.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { Channel } from '../../src/workers/pump/channel.ts';
import type { Topic } from '../../src/workers/pump/topic.ts';
import type { ChannelModel } from './channel-model.ts';
import type { TopicModel } from './topic-model.ts';

/** Errors: throws if the topic differs from its model. */
export function checkTopic(topic: Topic, model: TopicModel): void {
  model.check(topic.isHandingOver);
  assert.equal(topic.messageCount, model.messageCount);
  assert.equal(topic.tallies.messageBytes, model.messageBytes);
  const { depth } = topic;
  if (depth === model.waiting.size) model.isOpening = false;
  if (model.isOpening || model.emptyings > 0) return;
  assert.equal(depth, model.waiting.size, `depth of topic ${topic.name}`);
}

/**
 * Errors: throws if the channel differs from its model. `nowMs` (monotonic) and `isBehind` as in `ChannelModel.check`.
 */
export function checkChannel(
  channel: Channel,
  model: ChannelModel,
  nowMs: number,
  isBehind: boolean,
): void {
  model.check(nowMs, isBehind);
  assert.equal(channel.inFlightCount, model.inFlightCount);
  assert.equal(channel.messageCount, model.messageCount);
  assert.equal(channel.tallies.requeueCount, model.requeueCount);
  assert.equal(channel.tallies.timeoutCount, model.timeoutCount);
  for (const consumer of channel.consumers) {
    assert.equal(consumer.inFlightCount, model.inFlightOf(consumer.number));
  }
  const inTable = model.deferredCount - model.deferredOnDiskCount;
  assert.equal(channel.deferredCount, inTable, `deferred of channel ${model.queueName}`);
  // What is on disk counts as deferred until it is read, though its time may have come.
  const waiting = channel.queue.depth + channel.allDeferredCount;
  const expected = model.depth + model.deferredCount;
  if (waiting === expected) model.isOpening = false;
  if (model.isOpening || model.emptyings > 0) return;
  assert.equal(waiting, expected, `depth of channel ${model.queueName}`);
}
