/** Which broker has which topics and channels, as far as brokers have said so. */

/** A broker as consumers are told of it. The names are those of nsqlookupd's answers. */
export type Producer = {
  readonly remote_address: string;
  readonly hostname: string;
  readonly broadcast_address: string;
  readonly tcp_port: number;
  readonly http_port: number;
  readonly version: string;
};

/** A broker's topics, each with its channels. */
type Holdings = Map<string, Set<string>>;

export class Registry {
  readonly #brokers = new Map<Producer, Holdings>();

  /** A broker is there; it has nothing yet. */
  add(producer: Producer): void {
    this.#brokers.set(producer, new Map());
  }

  /** A broker is gone, and everything that it had. */
  remove(producer: Producer): void {
    this.#brokers.delete(producer);
  }

  /** `channel`: null for the topic by itself. */
  register(producer: Producer, topic: string, channel: string | null): void {
    const holdings = this.#brokers.get(producer);
    if (holdings === undefined) return;
    const channels = holdings.get(topic) ?? new Set();
    if (channel !== null) channels.add(channel);
    holdings.set(topic, channels);
  }

  /** The opposite; a topic goes with its channels. */
  unregister(producer: Producer, topic: string, channel: string | null): void {
    const holdings = this.#brokers.get(producer);
    if (channel === null) holdings?.delete(topic);
    else holdings?.get(topic)?.delete(channel);
  }

  producersOf(topic: string): Producer[] {
    return [...this.#brokers].filter(([, held]) => held.has(topic)).map(([producer]) => producer);
  }

  /** The channels of a topic, whichever broker has them. */
  channelsOf(topic: string): string[] {
    const channels = [...this.#brokers.values()].flatMap((held) => [...(held.get(topic) ?? [])]);
    return [...new Set(channels)].sort();
  }
}
