/**
 * The broker's topics and channels by name, and the handles through which main reaches them on their pumps.
 *
 * The map changes at once; the pump learns of it in the order of the rings, so code that finds a topic here may
 * publish to it. The name of a topic chooses its pump thread, permanently and across restarts.
 *
 * Thread: main. Source: nsqd `GetTopic`, `DeleteExistingTopic`, `GetChannel`.
 */

import type { Logger } from '../../daemon/log.ts';
import { resultInSlices } from '../../daemon/slices.ts';
import type { Later } from '../../daemon/turn-queue.ts';
import type { Clock } from '../../shared/clock.ts';
import type {
  ChannelCounts,
  ControlReply,
  StreamStart,
  TopicCounts,
} from '../../shared/control.ts';
import { errorText } from '../../shared/error-text.ts';
import { nameHash } from '../../shared/name-hash.ts';
import { type ChannelName, isEphemeral, type TopicName } from '../../shared/names.ts';
import {
  type ChannelPolicy,
  refusesWhenFull,
  type TopicPolicy,
} from '../../shared/topic-policy.ts';
import { CreationTurns } from '../limits/creation-turns.ts';
import type { PumpHandle } from '../pumps/pump-handle.ts';
import { applyPolicies } from './applied-policies.ts';
import { ChannelExpiry } from './channel-expiry.ts';
import { destroyMembers, leaveChannels } from './deleted-channels.ts';
import { whenChannelStored } from './stored.ts';
import type { PromiseSource, TopicRegistry } from './topic-sources.ts';

/** A consumer as the topic map sees it. */
export interface ChannelMember {
  /** The connection's number. */
  readonly number: number;
  /** Closes the connection without a frame. */
  destroy(): void;
}

/** A channel that lives on a pump thread. */
export type ChannelHandle = {
  readonly number: number;
  readonly name: ChannelName;
  readonly topic: TopicHandle;
  readonly members: Set<ChannelMember>;
  policy: ChannelPolicy;
  /** When its last consumer left, and whether its deletion was announced. Units: ms, monotonic. */
  idleSinceMs: number;
  isExpiring: boolean;
  isPaused: boolean;
  /** The last counters from its pump, for the statistics. */
  counts: ChannelCounts | null;
};

/** A topic that lives on a pump thread. */
export type TopicHandle = {
  readonly number: number;
  readonly name: TopicName;
  readonly pump: PumpHandle;
  readonly channels: Map<string, ChannelHandle>;
  /** Whether the store of replicated topics keeps it, for all brokers. */
  readonly isReplicated: boolean;
  policy: TopicPolicy;
  /** How many of its channels may refuse a publish because they are full. */
  refusingChannelCount: number;
  isPaused: boolean;
  /** Why publishes are answered only when they are kept; null while memory is enough. */
  backendError: string | null;
  /** Set when the topic is removed from the map. */
  isDeleted: boolean;
  /**
   * Resolves with null when nsqd.dat names the topic with its channels, or with the reason why not; null once it
   * does. After a crash the files of a topic that nsqd.dat does not name would not be found.
   */
  saving: Promise<string | null> | null;
  /** Resolves when the topic has the channels that nsqlookupd knows; undefined if it passes messages on. */
  opening: Promise<void> | undefined;
  /** The last counters from its pump, for the statistics. */
  counts: TopicCounts | null;
};

/** The dependencies of the topic map. */
export type TopicMapOptions = {
  readonly registry: TopicRegistry;
  readonly pumps: readonly PumpHandle[];
  readonly policies: PromiseSource;
  /** The contents of nsqd.dat have changed. Resolves when they are saved; undefined if nothing saves them. */
  readonly onChange: () => Promise<void> | undefined;
  /** Calls back at the end of main's turn. */
  readonly atTurnEnd: Later;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  /** Logs creations and deletions. */
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
};

type TopicStart = { isPaused: boolean; isStarted: boolean; isReplicated: boolean };

export class TopicMap {
  /** Why it refuses publishes that may have to go to disk, or all while it drains; null while it accepts them. */
  diskShortage: string | null = null;
  writeRefusal: string | null = null;
  drainRefusal: string | null = null;
  /** Why the store of replicated topics cannot be used now; null while it can, or if there is none. */
  storeAbsence: string | null = null;
  /** How many times the store of replicated topics had to repair a stalled channel. */
  storeStallCount = 0;
  /** Limits how many topics and channels clients and requests create in a turn. */
  readonly creations: CreationTurns;

  readonly #pumps: readonly PumpHandle[];
  readonly #onChange: () => Promise<void> | undefined;
  readonly #registry: TopicRegistry;
  readonly #policies: PromiseSource;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #logger: Pick<Logger, 'info'>;
  readonly #expiry: ChannelExpiry<ChannelHandle>;
  readonly #topics = new Map<string, TopicHandle>();
  readonly #byNumber = new Map<number, TopicHandle>();
  /** Topics and channels share one sequence of numbers, and no number is used twice. */
  #lastNumber = 0;

  constructor(options: TopicMapOptions) {
    this.creations = new CreationTurns(options.atTurnEnd);
    this.#pumps = options.pumps;
    this.#onChange = options.onChange;
    this.#registry = options.registry;
    this.#policies = options.policies;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#expiry = new ChannelExpiry({
      ...options,
      onExpired: (channel) => {
        if (channel.topic.isDeleted) return;
        this.deleteChannel(channel).catch((error: unknown) => {
          options.logger.error(`failed to delete channel ${channel.name} - ${errorText(error)}`);
        });
      },
    });
  }

  get(name: string): TopicHandle | undefined {
    return this.#topics.get(name);
  }

  getByNumber(number: number): TopicHandle | undefined {
    return this.#byNumber.get(number);
  }

  /** All topics, in no order. */
  values(): Iterable<TopicHandle> {
    return this.#topics.values();
  }

  /** Why publishes to topics that are not ephemeral are refused now, or null. */
  get durableRefusal(): string | null {
    return this.writeRefusal ?? this.diskShortage;
  }

  /** Why publishes to a topic are refused now, or null. */
  refusalOf(topic: TopicHandle): string | null {
    if (topic.isReplicated) return this.storeAbsence;
    return isEphemeral(topic.name) ? null : this.durableRefusal;
  }

  /** Resolves as `TopicHandle.saving`. A failed save is retried. */
  async whenSaved(topic: TopicHandle): Promise<string | null> {
    const error = (await topic.saving) ?? null;
    if (error === null || topic.saving === null) return null;
    this.#save(topic);
    return topic.saving;
  }

  getOrCreate(name: TopicName): TopicHandle {
    return this.#topics.get(name) ?? this.#createAndAsk(name);
  }

  /**
   * Creates a local topic that passes nothing on before `start`. An existing topic stays unchanged.
   */
  createStopped(name: TopicName, isPaused: boolean): TopicHandle {
    return (
      this.#topics.get(name) ??
      this.#create(name, { isPaused, isStarted: false, isReplicated: false })
    );
  }

  /** Creates a topic that the store has. An existing topic stays unchanged. */
  createReplicated(name: TopicName, isPaused: boolean): TopicHandle {
    return (
      this.#topics.get(name) ??
      this.#create(name, { isPaused, isStarted: true, isReplicated: true })
    );
  }

  start(topic: TopicHandle): void {
    void topic.pump.request({ do: 'startTopic', topic: topic.number });
  }

  getOrCreateChannel(topic: TopicHandle, name: ChannelName, isPaused = false): ChannelHandle {
    const existing = topic.channels.get(name);
    if (existing !== undefined) return existing;
    const policy = this.#policies.ofChannel(topic.name, name);
    const channel: ChannelHandle = {
      number: ++this.#lastNumber,
      name,
      topic,
      members: new Set(),
      policy,
      idleSinceMs: this.#clock.monotonicMs(),
      isExpiring: false,
      isPaused,
      counts: null,
    };
    topic.channels.set(name, channel);
    // It may have consumers at other brokers.
    if (!topic.isReplicated) this.#expiry.onPolicy(channel);
    if (refusesWhenFull(policy)) topic.refusingChannelCount++;
    this.#logger.info(`TOPIC(${topic.name}): new channel(${name})`);
    this.#registry.onChannelCreated(topic.name, name);
    void topic.pump.request({
      do: 'createChannel',
      topic: topic.number,
      channel: channel.number,
      name,
      isPaused,
      policy,
    });
    if (!isEphemeral(name)) this.#save(topic);
    return channel;
  }

  /** Creates a channel in the store, with what the topic has kept. Resolves with null, or with why it cannot. */
  async startChannel(
    topic: TopicHandle,
    channel: ChannelName,
    start: StreamStart,
  ): Promise<string | null> {
    const request = { do: 'startChannel', topic: topic.number, channel, start } as const;
    return (await topic.pump.request(request)).error;
  }

  /** Stops the expiry of channels. */
  stop(): void {
    this.#expiry.stop();
  }

  /** Applies changed policies to topics and channels. In slices, for `inSlices`. */
  applyPolicies(): Generator<void, void> {
    const onChanged = (channel: ChannelHandle): void => {
      if (!channel.topic.isReplicated) this.#expiry.onPolicy(channel);
    };
    return applyPolicies(this.#topics.values(), this.#policies, onChanged);
  }

  /** `isTold`: whether other brokers are notified, if the topic is replicated; the same for channels. */
  async pauseTopic(topic: TopicHandle, isPaused: boolean, isTold = true): Promise<void> {
    topic.isPaused = isPaused;
    const request = { do: 'pauseTopic', topic: topic.number, isPaused, isTold } as const;
    expectDone(await topic.pump.request(request));
  }

  async pauseChannel(channel: ChannelHandle, isPaused: boolean, isTold = true): Promise<void> {
    channel.isPaused = isPaused;
    const { topic, number } = channel;
    const names = { topic: topic.number, channel: number };
    const request = { do: 'pauseChannel', ...names, isPaused, isTold } as const;
    expectDone(await topic.pump.request(request));
  }

  async emptyTopic(topic: TopicHandle): Promise<void> {
    expectDone(await topic.pump.request({ do: 'emptyTopic', topic: topic.number }));
  }

  async emptyChannel({ topic, number }: ChannelHandle): Promise<void> {
    const request = { do: 'emptyChannel', topic: topic.number, channel: number } as const;
    expectDone(await topic.pump.request(request));
  }

  /** Resolves when the topic's files are removed. */
  async deleteTopic(topic: TopicHandle): Promise<void> {
    this.#logger.info(`TOPIC(${topic.name}): deleting`);
    this.#topics.delete(topic.name);
    topic.isDeleted = true;
    const channels = [...topic.channels.values()];
    topic.channels.clear();
    topic.refusingChannelCount = 0;
    const left = resultInSlices(this.#leaveTopic(topic, channels));
    const reply = topic.pump.request({ do: 'deleteTopic', topic: topic.number });
    this.#save(topic);
    expectDone(await reply);
    this.#byNumber.delete(topic.number);
    await left;
  }

  /** Resolves when the channel's files are removed. An ephemeral topic is deleted with its last channel. */
  async deleteChannel(channel: ChannelHandle): Promise<void> {
    const { topic, number } = channel;
    this.#logger.info(`TOPIC(${topic.name}): deleting channel ${channel.name}`);
    topic.channels.delete(channel.name);
    if (refusesWhenFull(channel.policy)) topic.refusingChannelCount--;
    destroyMembers(channel);
    this.#expiry.onDeleted(channel);
    this.#registry.onChannelDeleted(topic.name, channel.name);
    const request = { do: 'deleteChannel', topic: topic.number, channel: number } as const;
    const reply = topic.pump.request(request);
    if (!isEphemeral(channel.name)) this.#save(topic);
    const isLast = isEphemeral(topic.name) && topic.channels.size === 0 && !topic.isDeleted;
    const topicReply = isLast ? this.deleteTopic(topic) : undefined;
    expectDone(await reply);
    await topicReply;
  }

  /** A consumer leaves. An ephemeral channel is deleted with its last consumer. Errors: as `deleteChannel`. */
  async leave(channel: ChannelHandle, member: ChannelMember): Promise<void> {
    if (!channel.members.delete(member)) return;
    const isIdle = channel.members.size === 0 && !channel.topic.isReplicated;
    if (isIdle) this.#expiry.onIdle(channel);
    void channel.topic.pump.request({ do: 'unsubscribe', consumer: member.number });
    const isThere = channel.topic.channels.get(channel.name) === channel;
    if (isThere && isEphemeral(channel.name) && channel.members.size === 0) {
      await this.deleteChannel(channel);
    }
  }

  /** The remaining work for a deleted topic's channels, in slices. Skips channels that were created again. */
  *#leaveTopic({ name }: TopicHandle, channels: readonly ChannelHandle[]): Generator<void, void> {
    yield* leaveChannels(channels, (channel) => {
      this.#expiry.onDeleted(channel);
      const isThere = this.#topics.get(name)?.channels.has(channel.name) ?? false;
      if (!isThere) this.#registry.onChannelDeleted(name, channel.name);
    });
    if (!this.#topics.has(name)) this.#registry.onTopicDeleted(name);
  }

  /** Creates a topic that passes nothing on before it has the channels that peers know: they miss no message. */
  #createAndAsk(name: TopicName): TopicHandle {
    const asked = this.#registry.channelsOf(name);
    const isReplicated = this.#policies.ofTopic(name).store === 'nats' && !isEphemeral(name);
    const topic = this.#create(name, {
      isPaused: false,
      isStarted: asked === undefined,
      isReplicated,
    });
    topic.opening = asked?.then(async (names) => {
      const channels = topic.isDeleted ? [] : names.map((n) => this.getOrCreateChannel(topic, n));
      await Promise.all(channels.map(whenChannelStored));
      topic.opening = undefined;
      if (!topic.isDeleted) this.start(topic);
    });
    return topic;
  }

  #create(name: TopicName, { isPaused, isStarted, isReplicated }: TopicStart): TopicHandle {
    const number = ++this.#lastNumber;
    const pump = this.#pumps[nameHash(name) % this.#pumps.length];
    const policy = this.#policies.ofTopic(name);
    const topic: TopicHandle = {
      number,
      name,
      pump,
      channels: new Map(),
      isReplicated,
      policy,
      refusingChannelCount: 0,
      isPaused,
      backendError: null,
      isDeleted: false,
      saving: null,
      opening: undefined,
      counts: null,
    };
    this.#topics.set(name, topic);
    this.#logger.info(`TOPIC(${name}): created`);
    this.#byNumber.set(number, topic);
    this.#registry.onTopicCreated(name);
    const start = { isPaused, isStarted, isReplicated, policy };
    void pump.request({ do: 'createTopic', topic: number, name, ...start });
    this.#save(topic);
    return topic;
  }

  /** Writes nsqd.dat if it names the topic; replicated topics are named by their store. */
  #save(topic: TopicHandle): void {
    if (isEphemeral(topic.name) || topic.isReplicated) return;
    const saving = this.#onChange()?.then(() => null, errorText) ?? null;
    topic.saving = saving;
    void saving?.then((error) => {
      if (error === null && topic.saving === saving) topic.saving = null;
    });
  }
}

function expectDone({ error }: ControlReply): void {
  if (error !== null) throw new Error(error);
}
