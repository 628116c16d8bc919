/**
 * The policy of a topic or a channel: how many messages memory keeps, how many may wait, what is dropped beyond that,
 * and when a publish is acknowledged. Main chooses a policy by name; a pump gets its values.
 *
 * Units: `memQueueSize` and `maxDepth` in messages, `maxBytes` in bytes of messages with their headers; a bound of 0 is
 * none. Thread: any (types only).
 */
export type TopicPolicy = {
  readonly memQueueSize: number;
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** Whether a full queue refuses new messages, or drops its oldest. */
  readonly whenFull: 'reject' | 'drop-oldest';
  /** Whether `OK` means that the broker has the message, or that the message is written to its file. */
  readonly acknowledge: 'memory' | 'write';
};

/** Whether a queue has a bound besides memory and disk. */
export function hasQueueBound({
  maxDepth,
  maxBytes,
}: Pick<TopicPolicy, 'maxDepth' | 'maxBytes'>): boolean {
  return maxDepth > 0 || maxBytes > 0;
}
