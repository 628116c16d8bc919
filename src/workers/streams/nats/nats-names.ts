/**
 * The names of topics and channels in JetStream. Names of streams and consumers, subjects and keys may hold neither
 * dots nor `#` as NSQ's names do, so these are written as `=d` and `=e`; NSQ's names have no `=`.
 *
 * Shape: topic `a.b` with prefix `ringmq` is stream `ringmq_a=db`, subject `ringmq.t.a=db`, key `t.a=db`; its channel
 * `c` is consumer `c_c`, key `c.a=db.c`.
 *
 * Thread: any (pure).
 */

/** The consumer that keeps messages for the first channel. */
export const HOLDER = 'holder';
/** Begins the names of consumers that are channels. */
export const CHANNEL_PREFIX = 'c_';

export class NatsNames {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get bucket(): string {
    return `${this.#prefix}_catalog`;
  }

  stream(topic: string): string {
    return `${this.#prefix}_${written(topic)}`;
  }

  subject(topic: string): string {
    return `${this.#prefix}.t.${written(topic)}`;
  }

  /** The subject of a stream. */
  subjectOf(stream: string): string {
    return `${this.#prefix}.t.${stream.slice(this.#prefix.length + 1)}`;
  }

  consumer(channel: string): string {
    return `${CHANNEL_PREFIX}${written(channel)}`;
  }

  key(topic: string, channel: string): string {
    return channel === '' ? `t.${written(topic)}` : `c.${written(topic)}.${written(channel)}`;
  }

  policyKey(name: string): string {
    return `p.${written(name)}`;
  }

  /** The keys of all channels of a topic. */
  channelKeys(topic: string): string {
    return `c.${written(topic)}.*`;
  }
}

/** A topic (`channel` is empty), a channel or a policy. */
export type CatalogName =
  | { readonly topic: string; readonly channel: string }
  | { readonly policy: string };

/** What a key names; undefined if it is none of these. */
export function readKey(key: string): CatalogName | undefined {
  const [kind, topic, channel, ...others] = key.split('.');
  if (topic === undefined || others.length > 0) return undefined;
  if (kind === 'p' && channel === undefined) return { policy: read(topic) };
  if (kind === 't' && channel === undefined) return { topic: read(topic), channel: '' };
  if (kind === 'c' && channel !== undefined) return { topic: read(topic), channel: read(channel) };
  return undefined;
}

function written(name: string): string {
  return name.replaceAll('.', '=d').replaceAll('#', '=e');
}

function read(text: string): string {
  return text.replaceAll('=d', '.').replaceAll('=e', '#');
}
