/**
 * Compares the statistics that pumps reply with what the ledger says, at a moment when nothing moves.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { ChannelStats, ControlReply } from '../../src/shared/control.ts';
import type { ChannelModel } from './channel-model.ts';
import type { Ledger } from './ledger.ts';

/** Errors: throws where they differ. */
export function checkStats(ledger: Ledger, replies: readonly ControlReply[]): void {
  const topics = replies.flatMap((reply) => reply.topics ?? []);
  assert.equal(topics.length, ledger.topics.size);
  let channelCount = 0;
  for (const topic of topics) {
    const model = ledger.topics.get(topic.topic);
    assert.ok(model !== undefined, `topic ${topic.topic} is known`);
    const { depth, messageCount, messageBytes } = topic;
    assert.deepEqual(
      { depth, messageCount, messageBytes },
      {
        depth: model.waiting.size,
        messageCount: model.messageCount,
        messageBytes: model.messageBytes,
      },
    );
    channelCount += topic.channels.length;
    for (const channel of topic.channels)
      checkChannel(ledger.channels.get(channel.channel), channel);
  }
  assert.equal(channelCount, ledger.channels.size);
}

function checkChannel(model: ChannelModel | undefined, channel: ChannelStats): void {
  assert.ok(model !== undefined, `channel ${channel.channel} is known`);
  const { depth, inFlightCount, deferredCount, messageCount, requeueCount, timeoutCount } = channel;
  assert.ok(deferredCount >= model.deferredCount, 'what is deferred is shown so');
  assert.deepEqual(
    { waiting: depth + deferredCount, inFlightCount, messageCount, requeueCount, timeoutCount },
    {
      // What is on disk counts as deferred until it is read, though its time may have come.
      waiting: model.depth + model.deferredCount,
      inFlightCount: model.inFlightCount,
      messageCount: model.messageCount,
      requeueCount: model.requeueCount,
      timeoutCount: model.timeoutCount,
    },
  );
  assert.ok(channel.backendDepth <= channel.depth);
  for (const { consumer, inFlightCount: count } of channel.consumers) {
    assert.equal(count, model.inFlightOf(consumer));
  }
}
