/**
 * Publishes to a topic as its policy says: messages that were published before may be dropped, and a publisher that
 * waits is answered when its messages are written or on stable storage.
 *
 * Thread: pump.
 */

import { Receipt } from './backend/append-lane.ts';
import type { Outbox } from './outbox.ts';
import type { Topic } from './topic.ts';
import type { PublishedMessages } from './topic-options.ts';

/** Dead letters are moved, so they never count as published before. */
export function publishTo(
  topic: Topic,
  publication: PublishedMessages,
  nowMs: number,
  receipt: Receipt | null,
): void {
  const { deduplication } = topic;
  if (deduplication === null || publication.isToDisk) {
    topic.publish(publication, nowMs, receipt);
    return;
  }
  deduplication.publish(publication, nowMs, receipt, (run, own) => topic.publish(run, nowMs, own));
}

/** As `publishTo`. The outbox has the answer when the messages are safe, or cannot be made safe. */
export function publishAnswered(
  topic: Topic,
  publication: PublishedMessages,
  nowMs: number,
  token: number,
  outbox: Outbox,
): void {
  const countBefore = topic.messageCount;
  const bytesBefore = topic.tallies.messageBytes;
  const onSettled = ({ error }: Receipt): void => {
    if (error !== null) topic.unpublish(count, bodyBytes);
    outbox.answer(token, error);
  };
  const receipt = new Receipt(true, onSettled, topic.isSynced);
  publishTo(topic, publication, nowMs, receipt);
  const count = topic.messageCount - countBefore;
  const bodyBytes = topic.tallies.messageBytes - bytesBefore;
  receipt.seal();
}
