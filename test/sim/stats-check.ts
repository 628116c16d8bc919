/**
 * Compares the statistics that pumps report with the ledger, at a moment when nothing moves.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { ChannelCounts, ControlReply } from '../../src/shared/control.ts';
import type { ChannelModel } from './channel-model.ts';
import type { Ledger } from './ledger.ts';

/** Errors: throws if they differ. */
export function checkStats(ledger: Ledger, replies: readonly ControlReply[]): void {
  const topics = replies.flatMap((reply) => reply.counts?.topics ?? []);
  const channels = replies.flatMap((reply) => reply.counts?.channels ?? []);
  const consumers = replies.flatMap((reply) => reply.counts?.consumers ?? []);
  assert.equal(topics.length, ledger.topics.size);
  assert.equal(channels.length, ledger.channels.size);
  for (const { number, counters } of topics) {
    const model = ledger.topics.get(number);
    assert.ok(model !== undefined, `topic ${number} is known`);
    const { depth, messageCount, messageBytes } = counters;
    assert.deepEqual(
      { depth, messageCount, messageBytes },
      {
        depth: model.waiting.size,
        messageCount: model.messageCount,
        messageBytes: model.messageBytes,
      },
    );
  }
  for (const channel of channels) checkChannel(ledger.channels.get(channel.number), channel);
  for (const { number, counters } of consumers) {
    const models = [...ledger.channels.values()];
    const inFlightCount = models.reduce((sum, model) => sum + model.inFlightOf(number), 0);
    assert.equal(counters.inFlightCount, inFlightCount);
  }
}

function checkChannel(model: ChannelModel | undefined, { number, counters }: ChannelCounts): void {
  assert.ok(model !== undefined, `channel ${number} is known`);
  const { depth, inFlightCount, deferredCount, messageCount, requeueCount, timeoutCount } =
    counters;
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
  assert.ok(counters.backendDepth <= counters.depth);
}
