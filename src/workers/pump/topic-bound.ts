/**
 * Whether the bounds of a topic and of its channels leave room for more messages.
 *
 * Thread: pump. Source: own; nsqd has no such bounds.
 */

/** A queue, as far as its bound is concerned. Units: bytes with headers. */
interface BoundedQueue {
  readonly depth: number;
  readonly bytes: number;
  refusalOf(count: number, bytes: number): string | null;
}

/** What is on its way from the topic to its channels. */
type OnTheWay = { readonly count: number; readonly bytes: number };

/**
 * Why this many more messages exceed the bound of the topic or of one of its channels; null if they do not. While
 * messages flow to the channels, those that wait in the topic or are on their way count for the channels.
 */
export function topicRefusal(
  topic: { readonly queue: BoundedQueue; readonly isFlowing: boolean },
  channels: Iterable<{ readonly queue: BoundedQueue }>,
  onTheWay: OnTheWay | null,
  count: number,
  bytes: number,
): string | null {
  const { queue, isFlowing } = topic;
  const own = isFlowing ? null : queue.refusalOf(count, bytes);
  if (own !== null) return own;
  const coming = count + (isFlowing ? queue.depth : 0) + (onTheWay?.count ?? 0);
  const comingBytes = bytes + (isFlowing ? queue.bytes : 0) + (onTheWay?.bytes ?? 0);
  for (const channel of channels) {
    const refusal = channel.queue.refusalOf(coming, comingBytes);
    if (refusal !== null) return refusal;
  }
  return null;
}
