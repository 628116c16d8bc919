/**
 * The promises of a topic and of a channel. Main decides them by name; a pump gets the values and keeps them.
 *
 * Units: counts in messages, `maxBytes` in bytes of messages with their headers, times in ms; a bound of 0 means no
 * bound.
 * Thread: any (types only).
 */

/** What both promise: how many messages memory keeps, how many may wait, and what gives way beyond. */
export type QueuePolicy = {
  readonly memQueueSize: number;
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** Whether a full queue refuses new messages, drops its oldest, or sends its oldest to `deadLetter`. */
  readonly whenFull: 'reject' | 'drop-oldest' | 'dead-letter';
  /** Age beyond which a message is not delivered; 0 for no limit. */
  readonly messageTtlMs: number;
  /** Name of the topic that gets what is not delivered; empty if that is dropped. */
  readonly deadLetter: string;
  /** Whether the body of a dead letter is wrapped in a JSON object that gives the reason. */
  readonly deadLetterEnvelope: 'none' | 'json';
};

/** What a publish waits for. */
export type Acknowledge = 'memory' | 'write' | 'fsync';

/** What a topic promises. */
export type TopicPolicy = QueuePolicy & {
  /** Whether `OK` means that the broker has the message, that it is in its file, or that it is on stable storage. */
  readonly acknowledge: Acknowledge;
  /** How long a message that was published before is dropped; 0 for never. */
  readonly deduplicateMs: number;
  /** What is compared: `body`, `json:FIELD` or `prefix:BYTES`. */
  readonly deduplicateKey: string;
};

/** What a channel promises. */
export type ChannelPolicy = QueuePolicy & {
  /** Messages that may be in flight, over all consumers. */
  readonly maxInFlight: number;
  /** Messages a second over all consumers, and how many of them may go at once. */
  readonly maxRate: number;
  readonly burst: number;
  /** Deliveries that one message gets at most. */
  readonly maxAttempts: number;
  /** How long a message that timed out waits; null if it does not wait. */
  readonly requeueBackoff: Backoff | null;
  /** The message timeout of a consumer that has not negotiated one. */
  readonly msgTimeoutMs: number;
  /** How long a channel may be without a consumer, and after how long that is reported; 0 for never. */
  readonly expiresMs: number;
  readonly warnAfterMs: number;
};

/** Delays that double from the first to the longest. */
export type Backoff = { readonly minMs: number; readonly maxMs: number };

/** Whether a queue has a bound besides memory and disk. */
export function hasQueueBound({
  maxDepth,
  maxBytes,
}: Pick<QueuePolicy, 'maxDepth' | 'maxBytes'>): boolean {
  return maxDepth > 0 || maxBytes > 0;
}
