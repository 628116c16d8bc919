/**
 * The policy of a topic and of a channel. Main computes it from the policies by name; a pump receives the values and
 * applies them.
 *
 * Units: counts in messages, `maxBytes` in bytes of messages with their headers, times in ms; a bound of 0 means no
 * bound.
 * Thread: any.
 */

/** The common part: bounds on memory and depth, and what happens when a queue is full. */
export type QueuePolicy = {
  readonly memQueueSize: number;
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** Whether a full queue refuses new messages, drops its oldest, or sends its oldest to `deadLetter`. */
  readonly whenFull: 'reject' | 'drop-oldest' | 'dead-letter';
  /** Age beyond which a message is not delivered; 0 for no limit. */
  readonly messageTtlMs: number;
  /** The topic that gets messages that are not delivered; empty if they are dropped. */
  readonly deadLetter: string;
  /** Whether the body of a dead letter is wrapped in a JSON object that gives the reason. */
  readonly deadLetterEnvelope: 'none' | 'json';
};

/** What a publish waits for before its `OK`. */
export type Acknowledge = 'memory' | 'write' | 'fsync';

/** How long a replicated topic keeps messages, finished or not; without a limit, until all channels finish them. */
export type Retention = {
  /** 0 for no limit, as for bytes. */
  readonly ageMs: number;
  readonly bytes: number;
};

/** How the store keeps a replicated topic. */
export type Replication = {
  /** Servers that have each message; 0 for 3, or 1 if the store is a single server. */
  readonly replicas: number;
  readonly retention: Retention;
};

/** The policy of a topic. */
export type TopicPolicy = QueuePolicy &
  Replication & {
    /** Whether a new topic is local, or kept by the store that brokers share. */
    readonly store: 'local' | 'nats';
    /** Whether `OK` means that the broker has the message, that it is in a file, or that it is on stable storage. */
    readonly acknowledge: Acknowledge;
    /** The time within which a repeated message is dropped; 0 for never. */
    readonly deduplicateMs: number;
    /** The part of messages that is compared: `body`, `json:FIELD` or `prefix:BYTES`. */
    readonly deduplicateKey: string;
  };

/** The policy of a channel. */
export type ChannelPolicy = QueuePolicy & {
  /** Messages that may be in flight, over all consumers. */
  readonly maxInFlight: number;
  /** Messages per second over all consumers, and how many of them may be sent at once. */
  readonly maxRate: number;
  readonly burst: number;
  /** The maximum number of deliveries of one message. */
  readonly maxAttempts: number;
  /** The delay of a message that timed out; null for none. */
  readonly requeueBackoff: Backoff | null;
  /** The message timeout of a consumer that has not negotiated one. */
  readonly msgTimeoutMs: number;
  /** How long a channel may be without a consumer before it is deleted, and before a warning; 0 for never. */
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

/** Whether a full queue refuses new messages. */
export function refusesWhenFull(
  policy: Pick<QueuePolicy, 'whenFull' | 'maxDepth' | 'maxBytes'>,
): boolean {
  return policy.whenFull === 'reject' && hasQueueBound(policy);
}

/** How the store keeps a topic with this policy. */
export function replicationOf({ replicas, retention }: Replication): Replication {
  return { replicas, retention };
}
