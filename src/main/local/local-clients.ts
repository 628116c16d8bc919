/**
 * The consumers in the broker's own process, by their numbers.
 *
 * Thread: main.
 */

import type { Guard } from '../../daemon/guard.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Options } from '../options/options.ts';
import { Client, type ClientNumbers, type ClientSettings, initialSettings } from '../tcp/client.ts';
import type { ChannelHandle, ChannelMember, TopicMap } from '../topics/topic-map.ts';
import { LocalClient, type LocalConsumer, type LocalContext } from './local-client.ts';

/** A consumer's description of itself. */
export type LocalSettings = Pick<
  ClientSettings,
  'clientId' | 'hostname' | 'userAgent' | 'msgTimeoutMs' | 'sampleRate'
>;

/** The dependencies of the clients. */
type LocalClientsSetup = {
  readonly options: Options;
  readonly topics: TopicMap;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly numbers: ClientNumbers;
  /** The client has messages: its `flush` is called at the end of main's turn. */
  readonly onPending: (client: LocalClient) => void;
  /** A consumer has left its channel. */
  readonly onLeft: (channel: ChannelHandle, member: ChannelMember) => void;
};

const NS_PER_SECOND = 1_000_000_000n;

export class LocalClients {
  readonly #setup: LocalClientsSetup;
  readonly #context: LocalContext;
  readonly #clients = new Map<number, LocalClient>();

  constructor(setup: LocalClientsSetup) {
    this.#setup = setup;
    this.#context = {
      ...setup,
      onEnded: ({ number }) => void this.#clients.delete(number),
    };
  }

  /** The client of that number, if it is still there. */
  get(number: number): LocalClient | undefined {
    return this.#clients.get(number);
  }

  *clients(): Iterable<Client> {
    for (const { client } of this.#clients.values()) yield client;
  }

  /** Adds a client that has not subscribed yet. */
  connect(settings: LocalSettings, consumer: LocalConsumer): LocalClient {
    const { options, numbers, clock } = this.#setup;
    const client = new Client(
      numbers.next(),
      '',
      undefined,
      Number(clock.unixNs() / NS_PER_SECOND),
      { ...initialSettings('', options), ...settings },
      null,
    );
    const local = new LocalClient(client, consumer, this.#context);
    this.#clients.set(client.number, local);
    return local;
  }

  /** Ends all of them. */
  close(): void {
    for (const client of [...this.#clients.values()]) client.destroy();
  }
}
