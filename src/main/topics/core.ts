/**
 * The broker without sockets, files and timers: handles on the pump threads, the topic map, the publisher, and the
 * deliveries of the pumps. Its owner ends each turn of the main thread with `endTurn`.
 *
 * Thread: main.
 */

import type { Guard } from '../../daemon/guard.ts';
import type { Later } from '../../daemon/turn-queue.ts';
import type { Clock } from '../../shared/clock.ts';
import type { PumpEvent, SharedPolicy } from '../../shared/control.ts';
import { Doorbell } from '../../shared/ring/doorbell.ts';
import { Deliveries, type DeliveryTarget } from '../pumps/deliveries.ts';
import { PumpHandle } from '../pumps/pump-handle.ts';
import type { PumpMemory } from '../pumps/thread-plan.ts';
import { brokerChannels, type TimeoutEvent } from '../stats/broker-channels.ts';
import { DeadLetterPublisher } from './dead-letter-publisher.ts';
import type { SavedTopic } from './metadata.ts';
import { Publisher, type PublishTimes } from './publisher.ts';
import { ReplicatedTopics } from './replicated-topics.ts';
import { TopicMap, type TopicMapOptions } from './topic-map.ts';

/** The listener of a core. */
export type CoreEvent = Exclude<PumpEvent, { event: 'timeouts' | 'replicated' | 'stalled' }>;

/** The dependencies of a core. */
export type BrokerCoreOptions = Omit<TopicMapOptions, 'pumps' | 'atTurnEnd'> & {
  /** The memory that main shares with each pump thread. */
  readonly pumps: readonly PumpMemory[];
  readonly mainBell: SharedArrayBuffer;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly publishTimes: PublishTimes;
  /** Units: bytes. */
  readonly maxMsgSize: number;
  /** Requests `endTurn` after this turn has handled its input. */
  readonly requestTurn: () => void;
  /** The subscribed connection with this number, if it still exists. */
  readonly target: (consumer: number) => DeliveryTarget | undefined;
  /** Writes the turn's output to the clients. */
  readonly flushClients: () => void;
  /** Gets the events of pumps, after the core has handled them. */
  readonly onEvent: (event: CoreEvent) => void;
};

export class BrokerCore {
  readonly pumps: readonly PumpHandle[];
  readonly topics: TopicMap;
  readonly publisher: Publisher;

  readonly #deadLetters: DeadLetterPublisher;
  readonly #replicated: ReplicatedTopics;
  readonly #options: BrokerCoreOptions;
  /** Whether the pumps were told to report timeouts. */
  #reportsTimeouts = false;
  readonly #deliveries: Deliveries;
  /** Additional tasks for the end of this turn. */
  readonly #turnEnds: (() => void)[] = [];

  constructor(options: BrokerCoreOptions) {
    this.#options = options;
    this.pumps = options.pumps.map(
      (memory) => new PumpHandle(memory, options.clock, options.requestTurn),
    );
    const atTurnEnd: Later = (callback) => {
      this.#turnEnds.push(callback);
      options.requestTurn();
    };
    this.topics = new TopicMap({ ...options, pumps: this.pumps, atTurnEnd });
    this.#replicated = new ReplicatedTopics(this.topics, options.logger);
    this.publisher = new Publisher(this.topics, options.publishTimes);
    this.#deadLetters = new DeadLetterPublisher({
      ...options,
      topics: this.topics,
      publisher: this.publisher,
    });
    this.#deliveries = new Deliveries({
      pumps: this.pumps,
      bell: new Doorbell(options.mainBell),
      clock: options.clock,
      target: options.target,
      onEvent: (event) => this.#onEvent(event),
      onDeadLetters: (pump, token, head, records, count) => {
        this.#deadLetters.publish(head, records, count, (isKept) => {
          pump.deadLettered(token, isKept);
        });
      },
      guard: options.guard,
      onWork: () => void this.endTurn(),
    });
  }

  /** Creates the saved topics and channels. Resolves when their disk queues are open. */
  async restore(
    saved: readonly SavedTopic[],
    seenByTopic: ReadonlyMap<string, Uint8Array>,
  ): Promise<void> {
    for (const { name, isPaused, channels } of saved) {
      const topic = this.topics.createStopped(name, isPaused);
      const seen = seenByTopic.get(name);
      if (seen !== undefined) {
        void topic.pump.request({ do: 'restoreSeen', topic: topic.number, seen });
      }
      // The file may name a topic twice; it is paused if one of the entries says so.
      if (isPaused && !topic.isPaused) void this.topics.pauseTopic(topic, true);
      for (const channel of channels) {
        this.topics.getOrCreateChannel(topic, channel.name, channel.isPaused);
      }
    }
    for (const topic of this.topics.values()) this.topics.start(topic);
    // Depths are not known before the disk queues are open.
    await Promise.all(this.pumps.map((pump) => pump.request({ do: 'settle' })));
  }

  /**
   * Ends a turn of the main thread: publishes records to the pumps, reads their records, writes to clients, and
   * resumes connections that waited for room. Returns how many records were read.
   */
  endTurn(): number {
    for (const pump of this.pumps) pump.flush();
    const count = this.#deliveries.read();
    this.#options.flushClients();
    const { hasSubscribers } = brokerChannels.timeout;
    if (hasSubscribers !== this.#reportsTimeouts) this.#reportTimeouts(hasSubscribers);
    for (const pump of this.pumps) pump.notifyWritable();
    if (this.#turnEnds.length > 0) for (const onEnd of this.#turnEnds.splice(0)) onEnd();
    return count;
  }

  /** Sends a policy to other brokers. Errors: rejects if the store does not accept it. */
  async sharePolicy(policy: SharedPolicy): Promise<void> {
    const { error } = await this.pumps[0].request({ do: 'sharePolicy', ...policy });
    if (error !== null) throw new Error(`failed to tell other brokers - ${error}`);
  }

  /** Reads the records of the pumps. Returns how many. */
  read(): number {
    return this.#deliveries.read();
  }

  /** Ends a turn whenever main's bell rings, until `stop`. Errors: rejects with a bug, and can be run again. */
  run(): Promise<void> {
    return this.#deliveries.run();
  }

  /** Ends `run`. */
  stop(): void {
    this.topics.stop();
    this.#deliveries.stop();
  }

  #reportTimeouts(isWanted: boolean): void {
    this.#reportsTimeouts = isWanted;
    for (const pump of this.pumps) void pump.request({ do: 'reportTimeouts', isWanted });
  }

  /** Notifies subscribers. The channel may have been deleted meanwhile. */
  #onTimeouts(number: number, count: number): void {
    for (const topic of this.topics.values()) {
      for (const channel of topic.channels.values()) {
        if (channel.number !== number) continue;
        const event: TimeoutEvent = { topic: topic.name, channel: channel.name, count };
        brokerChannels.timeout.publish(event);
        return;
      }
    }
  }

  #onEvent(event: PumpEvent): void {
    if (event.event === 'timeouts') {
      this.#onTimeouts(event.channel, event.count);
      return;
    }
    if (event.event === 'replicated') {
      this.#replicated.onEvent(event);
      return;
    }
    if (event.event === 'stalled') {
      this.topics.storeStallCount++;
      return;
    }
    if (event.event === 'store') this.topics.storeAbsence = event.error;
    if (event.event === 'backend') {
      const topic = this.topics.getByNumber(event.topic);
      if (topic !== undefined) topic.backendError = event.error;
    }
    this.#options.onEvent(event);
  }
}
