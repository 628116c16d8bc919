/**
 * All nsqlookupds of the broker: it registers its topics and channels with them, and queries them for the channels
 * that a new topic has elsewhere.
 *
 * Thread: main. Source: nsqd `lookupLoop`, `GetTopic`.
 */

import type { Guard } from '../../../daemon/guard.ts';
import type { HttpClient } from '../../../daemon/http-client.ts';
import { LimitedLogger } from '../../../daemon/limited-logger.ts';
import type { Logger } from '../../../daemon/log.ts';
import type { Clock } from '../../../shared/clock.ts';
import { errorText } from '../../../shared/error-text.ts';
import type { ChannelName, TopicName } from '../../../shared/names.ts';
import { queryChannels } from './channel-query.ts';
import { LookupdPeer } from './lookupd-peer.ts';
import { type BrokerIdentity, helloBytes, type PeerInfo } from './peer-info.ts';

/** A topic as nsqlookupds know it. */
interface RegisteredTopic {
  readonly name: string;
  readonly channels: { keys(): Iterable<string> };
}

/** The dependencies. */
export interface LookupdSetup {
  /** All topics at the time of the call. */
  readonly topics: () => Iterable<RegisteredTopic>;
  /** The initial addresses. */
  readonly addresses: readonly string[];
  /** Most bytes of a reply. */
  readonly replyBytesMax: number;
  readonly http: Pick<HttpClient, 'get'>;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly logger: Logger;
}

export class Lookupd {
  readonly #setup: LookupdSetup;
  /** The log for peers, whose addresses every client of /config can set. */
  readonly #peerLogger: LimitedLogger;
  /** The current addresses. */
  #addresses: readonly string[];
  /** By address. */
  #peers = new Map<string, LookupdPeer>();
  /** Whether the peers of the start are being added. */
  #isStarting = false;
  /** Undefined before the start, when the broker's ports are unknown, and after the end. */
  #hello: Buffer | undefined;

  constructor(setup: LookupdSetup) {
    this.#setup = setup;
    this.#addresses = setup.addresses;
    this.#peerLogger = new LimitedLogger(setup.logger, setup.clock);
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Connects to each address. Before this, and after `stop`, events are not reported. */
  start(identity: BrokerIdentity): void {
    this.#hello = helloBytes(identity);
    this.#isStarting = true;
    this.setAddresses(this.#addresses);
    this.#isStarting = false;
  }

  /**
   * Disconnects from addresses that are no longer in the list, and connects to new ones.
   *
   * Bound: the number of log lines is limited, see `LimitedLogger`.
   */
  setAddresses(addresses: readonly string[]): void {
    this.#addresses = addresses;
    if (this.#hello === undefined) return;
    const before = this.#peers;
    this.#peers = new Map();
    for (const address of new Set(addresses)) {
      this.#peers.set(address, before.get(address) ?? this.#add(address, this.#hello));
    }
    for (const [address, peer] of before) {
      if (this.#peers.has(address)) continue;
      this.#peerLogger.info(`LOOKUP(${address}): removing peer`);
      peer.stop();
    }
  }

  /** Called when the topic exists. */
  onTopicCreated(topic: string): void {
    this.#tell('topic', `REGISTER ${topic}`);
  }

  /** Called when the topic is deleted; its channels are reported one by one as well. */
  onTopicDeleted(topic: string): void {
    this.#tell('topic', `UNREGISTER ${topic}`);
  }

  /** Called when the channel exists. */
  onChannelCreated(topic: string, channel: string): void {
    this.#tell('channel', `REGISTER ${topic} ${channel}`);
  }

  /** Called when the channel is deleted. */
  onChannelDeleted(topic: string, channel: string): void {
    this.#tell('channel', `UNREGISTER ${topic} ${channel}`);
  }

  /**
   * The distinct non-ephemeral channels that the topic has elsewhere. Undefined if there is no peer to query, so that
   * the topic need not wait.
   *
   * Errors: never rejects; a peer without a valid, timely answer is logged, and the others count.
   */
  channelsOf(topic: TopicName): Promise<readonly ChannelName[]> | undefined {
    const peers: PeerInfo[] = [];
    for (const { info } of this.#peers.values()) {
      // A peer that was reached before is queried even if it is disconnected now: it may be back.
      if (info !== undefined && info.broadcastAddress !== '') peers.push(info);
    }
    if (peers.length > 0) return this.#query(peers, topic);
    if (this.#peers.size > 0) {
      this.#setup.logger.error(
        `no available nsqlookupd to query for channels to pre-create for topic ${topic}`,
      );
    }
    return undefined;
  }

  /** Disconnects from all. Nothing is unregistered: nsqlookupds drop a broker with its connection. */
  stop(): void {
    this.#hello = undefined;
    for (const peer of this.#peers.values()) peer.stop();
    this.#peers.clear();
  }

  #add(address: string, hello: Buffer): LookupdPeer {
    const { replyBytesMax, clock, guard } = this.#setup;
    const logger = this.#peerLogger;
    logger.info(`LOOKUP(${address}): adding peer`);
    let namesTopics = this.#isStarting;
    const registrations = (): Iterable<string> => {
      const commands = this.#registrations(namesTopics);
      namesTopics = false;
      return commands;
    };
    const peer = new LookupdPeer(address, {
      hello,
      registrations,
      replyBytesMax,
      clock,
      guard,
      logger,
    });
    peer.start();
    return peer;
  }

  /**
   * Registering a channel also registers its topic, so only topics without channels are named separately. At the
   * start `namesTopics` names all topics, as nsqd does.
   */
  #registrations(namesTopics: boolean): string[] {
    const commands: string[] = [];
    for (const { name, channels } of this.#setup.topics()) {
      const names = [...channels.keys()];
      if (namesTopics || names.length === 0) commands.push(`REGISTER ${name}`);
      for (const channel of names) commands.push(`REGISTER ${name} ${channel}`);
    }
    return commands;
  }

  #tell(kind: 'topic' | 'channel', command: string): void {
    for (const peer of this.#peers.values()) {
      this.#setup.logger.info(`LOOKUPD(${peer.address}): ${kind} ${command}`);
      peer.send(command);
    }
  }

  async #query(peers: readonly PeerInfo[], topic: TopicName): Promise<readonly ChannelName[]> {
    const { http, guard, logger } = this.#setup;
    const outcomes = await Promise.allSettled(
      peers.map((peer) => queryChannels(http, peer, topic)),
    );
    const names = new Set<ChannelName>();
    const failures: string[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') for (const name of outcome.value) names.add(name);
      else {
        guard.noteUnforeseen('an nsqlookupd', outcome.reason);
        failures.push(errorText(outcome.reason));
      }
    }
    if (failures.length > 0) {
      logger.warn(
        `failed to query nsqlookupd for channels to pre-create for topic ${topic} - ${failures.join(', ')}`,
      );
    }
    return [...names].sort();
  }
}
