/**
 * The table of all policy keys, from which parsing, help and the types of definitions are derived.
 *
 * A key applies to topics, to channels, or to both. With a pattern without a colon, a channel key applies to all
 * channels of the matching topics.
 *
 * Units: a key whose name in the program ends in `Ms` counts milliseconds, fractions allowed.
 * Thread: any.
 */

import { DURATION_MS_MAX } from '../../daemon/go/go-duration.ts';
import {
  anything,
  type Check,
  lasting,
  oneOf,
  within,
} from '../../daemon/options/option-checks.ts';
import { duration, integer, type Kind, size, text } from '../../daemon/options/option-kinds.ts';
import { parseTopicName } from '../../shared/names.ts';
import { backoff } from './backoff.ts';
import { retention } from './retention.ts';

/** What a key applies to. */
type Scope = 'topic' | 'channel' | 'both';

/** One row of the table. */
export interface PolicyKey<T> {
  /** The name that operators use. */
  readonly key: string;
  readonly scope: Scope;
  readonly kind: Kind<T>;
  readonly help: string;
  // A method rather than a property, so that rows of all types fit one list.
  check(value: T, name: string): string | undefined;
}

/** Counts are sent as 32-bit words, and the protocol's are signed. */
const COUNT_MAX = 2 ** 31 - 1;
/** The longest timer. */
const WAIT_MS_MAX = 2 ** 31 - 1;
/** JetStream's limit. */
const REPLICAS_MAX = 5;
/** Attempts are stored in 16 bits. */
const ATTEMPTS_MAX = 65_535;
const count = within(0, COUNT_MAX);
const wait = lasting(1, WAIT_MS_MAX);
const age = lasting(0, DURATION_MS_MAX);

/** The table, by the names that the program uses. */
// biome-ignore format: a table reads best with the key's first line in one piece
export const POLICY_KEYS = {
  acknowledge: row('acknowledge', 'topic', text,
    'when OK answers a publish: memory, once the broker has it; write, once it is in its file; ' +
    'fsync, once it is on stable storage',
    oneOf(['memory', 'write', 'fsync'])),
  store: row('store', 'topic', text,
    'who keeps a topic that is created: local, this broker; nats, the servers of -nats-url, for all brokers',
    oneOf(['local', 'nats'])),
  replicas: row('replicas', 'topic', integer,
    'NATS servers that have each message of a topic with store=nats; 0 for 3, or 1 without a cluster',
    within(0, REPLICAS_MAX)),
  retention: row('retention', 'topic', retention,
    'how long a topic with store=nats keeps messages: interest, until all channels have finished them; or age(72h), ' +
    'bytes(10GiB), or both with a comma, whether they are finished or not'),
  memQueueSize: row('mem-queue-size', 'both', integer,
    'messages that a queue keeps in memory; the rest goes to disk', count),
  maxDepth: row('max-depth', 'both', integer,
    'most messages that wait in a queue; 0 for any number', count),
  maxBytes: row('max-bytes', 'both', size,
    'most bytes of messages that wait in a queue; 0 for any number'),
  whenFull: row('when-full', 'both', text,
    'what gives way beyond max-depth or max-bytes: reject, the new message; drop-oldest, the oldest; ' +
    'dead-letter, moves the oldest to dead-letter',
    oneOf(['reject', 'drop-oldest', 'dead-letter'])),
  maxInFlight: row('max-in-flight', 'channel', integer,
    'most messages in flight, over all consumers of a channel; 0 for any number', count),
  maxRate: row('max-rate', 'channel', integer,
    'most messages a second, over all consumers of a channel; 0 for any number', count),
  burst: row('burst', 'channel', integer,
    'messages that may go at once under max-rate; by default those of 10 ms, and at least 1',
    within(1, COUNT_MAX)),
  messageTtlMs: row('message-ttl', 'both', duration,
    'age beyond which a message is not delivered but dropped, or sent to dead-letter; 0 for any age',
    age),
  maxAttempts: row('max-attempts', 'channel', integer,
    'deliveries of a message, after which it is dropped, or sent to dead-letter; 0 for any number',
    within(0, ATTEMPTS_MAX)),
  deadLetter: row('dead-letter', 'both', text,
    'topic that gets what has expired, was tried too often or did not fit; "" for none', topicOrNone),
  deadLetterEnvelope: row('dead-letter-envelope', 'both', text,
    'body of a dead letter: none, the body as it was; json, an object that gives the reason',
    oneOf(['none', 'json'])),
  requeueBackoff: row('requeue-backoff', 'channel', backoff,
    'delay of a message that timed out: none, or exponential(MIN,MAX), doubled with each attempt'),
  deduplicateMs: row('deduplicate', 'topic', duration,
    'how long a message that was published before is acknowledged and dropped; 0 for never', age),
  deduplicateKey: row('deduplicate-key', 'topic', text,
    'what makes two messages the same: body, json:FIELD or prefix:BYTES', deduplicateKey),
  msgTimeoutMs: row('msg-timeout', 'channel', duration,
    'time that a consumer has for a message, where it negotiates none itself', wait),
  expiresMs: row('expires', 'channel', duration,
    'a channel without a consumer for that long is deleted with its messages; 0 for never',
    age),
  warnAfterMs: row('warn-after', 'channel', duration,
    'a channel that expires and has had no consumer for that long is named in the log and marked in /stats',
    age),
};

/** A key, by the name that the program uses. */
export type PolicyKeyName = keyof typeof POLICY_KEYS;

/** The values of all keys. */
export type PolicyValues = {
  readonly [Name in PolicyKeyName]: (typeof POLICY_KEYS)[Name] extends PolicyKey<infer T>
    ? T
    : never;
};

/** The keys by the names that operators use, in the table's order. */
export const KEY_NAMES: ReadonlyMap<string, PolicyKeyName> = new Map(
  // Every key of the table is a name.
  (Object.keys(POLICY_KEYS) as PolicyKeyName[]).map((name) => [POLICY_KEYS[name].key, name]),
);

/** A topic's name, or an empty text. */
function topicOrNone(value: string, name: string): string | undefined {
  if (value === '' || parseTopicName(value) !== undefined) return undefined;
  return `${name} must be a valid name of a topic, not ${JSON.stringify(value)}`;
}

/** What two messages may be compared by. */
function deduplicateKey(value: string, name: string): string | undefined {
  if (value === 'body' || /^json:./s.test(value)) return undefined;
  if (/^prefix:[1-9]\d{0,8}$/.test(value)) return undefined;
  return `${name} must be body, json:FIELD or prefix:BYTES, not ${JSON.stringify(value)}`;
}

/** Whether a key applies to topics, or to channels. */
export function isFor(name: PolicyKeyName, isChannel: boolean): boolean {
  const { scope } = POLICY_KEYS[name];
  return scope === 'both' || scope === (isChannel ? 'channel' : 'topic');
}

function row<T>(
  key: string,
  scope: Scope,
  kind: Kind<T>,
  help: string,
  check: Check<T> = anything,
): PolicyKey<T> {
  return { key, scope, kind, help, check };
}
