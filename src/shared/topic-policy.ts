/**
 * What is promised of a topic or a channel: how many messages memory keeps, how many may wait and what gives way
 * beyond, and when a publish is acknowledged. Main decides by names; a pump gets the values and keeps them.
 *
 * Units: `memQueueSize` and `maxDepth` in messages, `maxBytes` in bytes of messages with their headers; a bound of 0
 * is none. Thread: any (types only).
 */
export type TopicPolicy = {
  readonly memQueueSize: number;
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** Whether a full queue refuses new messages, or drops its oldest. */
  readonly whenFull: 'reject' | 'drop-oldest';
  /** Whether `OK` says that the broker has the message, or that the message is written to its file. */
  readonly acknowledge: 'memory' | 'write';
};

/** Whether a queue has another bound than what memory and disk can hold. */
export function hasQueueBound({
  maxDepth,
  maxBytes,
}: Pick<TopicPolicy, 'maxDepth' | 'maxBytes'>): boolean {
  return maxDepth > 0 || maxBytes > 0;
}
