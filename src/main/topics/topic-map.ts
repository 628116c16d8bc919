/**
 * The broker's topics and channels by name, and the handles through which main reaches them on their pumps.
 *
 * The map changes at once; the pump learns of it in the order of the rings, so code that finds a topic here may
 * publish to it. The name of a topic chooses its pump thread, permanently and over restarts.
 *
 * Thread: main. Source: nsqd `GetTopic`, `DeleteExistingTopic`, `GetChannel`.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../daemon/log.ts';
import { resultInSlices } from '../../daemon/slices.ts';
import type { Clock } from '../../shared/clock.ts';
import type { ChannelCounts, ControlReply, TopicCounts } from '../../shared/control.ts';
import { errorText } from '../../shared/error-text.ts';
import { nameHash } from '../../shared/name-hash.ts';
import { type ChannelName, isEphemeral, type TopicName } from '../../shared/names.ts';
import { type ChannelPolicy, hasQueueBound, type TopicPolicy } from '../../shared/topic-policy.ts';
import { PolicyChanges } from '../pumps/policy-changes.ts';
import type { PumpHandle } from '../pumps/pump-handle.ts';
import { ChannelExpiry } from './channel-expiry.ts';
import { destroyMembers, leaveChannels } from './deleted-channels.ts';

/** Topics and channels whose policies are checked in one slice. */
const APPLIED_PER_SLICE = 256;

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

/** Peers that learn of topics and channels, and may know other channels. */
export interface TopicRegistry {
  onTopicCreated(topic: string): void;
  onTopicDeleted(topic: string): void;
  onChannelCreated(topic: string, channel: string): void;
  onChannelDeleted(topic: string, channel: string): void;
  /** Undefined if there are no peers. Never rejects. */
  channelsOf(topic: TopicName): Promise<readonly ChannelName[]> | undefined;
}

/** The policies of topics and channels, by name. Equal policies may be the same object. */
export interface PromiseSource {
  ofTopic(topic: TopicName): TopicPolicy;
  ofChannel(topic: TopicName, channel: ChannelName): ChannelPolicy;
}

/** The dependencies of the topic map. */
export type TopicMapOptions = {
  readonly registry: TopicRegistry;
  readonly pumps: readonly PumpHandle[];
  readonly policies: PromiseSource;
  /** The contents of nsqd.dat have changed. Resolves when they are saved; undefined if nothing saves them. */
  readonly onChange: () => Promise<void> | undefined;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  /** Logs creations and deletions. */
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
};

export class TopicMap {
  /** Why the broker refuses what may have to go to disk, or, as it drains, all; null while it accepts. */
  diskShortage: string | null = null;
  writeRefusal: string | null = null;
  drainRefusal: string | null = null;

  readonly #pumps: readonly PumpHandle[];
  readonly #onChange: () => Promise<void> | undefined;
  readonly #registry: TopicRegistry;
  readonly #policies: PromiseSource;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #logger: Pick<Logger, 'info'>;
  readonly #expiry: ChannelExpiry<ChannelHandle>;
  readonly #topics = new Map<string, TopicHandle>();
  readonly #byNumber = new Map<number, TopicHandle>();
  #lastNumber = 0;

  constructor(options: TopicMapOptions) {
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

  /** Creates a topic that passes nothing on before `start`. An existing topic stays unchanged. */
  createStopped(name: TopicName, isPaused: boolean): TopicHandle {
    return this.#topics.get(name) ?? this.#create(name, isPaused, false);
  }

  start(topic: TopicHandle): void {
    void topic.pump.request({ do: 'startTopic', topic: topic.number });
  }

  getOrCreateChannel(topic: TopicHandle, name: ChannelName, isPaused = false): ChannelHandle {
    const existing = topic.channels.get(name);
    if (existing !== undefined) return existing;
    const policy = this.#policies.ofChannel(topic.name, name);
    const channel: ChannelHandle = {
      number: this.#nextNumber(),
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
    this.#expiry.onPolicy(channel);
    if (mayRefuse(policy)) topic.refusingChannelCount++;
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
    if (!isEphemeral(topic.name) && !isEphemeral(name)) this.#save(topic);
    return channel;
  }

  /** Stops the expiry of channels. */
  stop(): void {
    this.#expiry.stop();
  }

  /** Applies changed policies to topics and channels. In slices, for `inSlices`. */
  *applyPolicies(): Generator<void, void> {
    const changes = new PolicyChanges();
    let left = APPLIED_PER_SLICE;
    for (const topic of this.#topics.values()) {
      this.#applyToTopic(topic, changes);
      for (const channel of topic.channels.values()) {
        this.#applyToChannel(channel, changes);
        if (--left > 0) continue;
        changes.send();
        left = APPLIED_PER_SLICE;
        yield;
      }
      if (--left > 0) continue;
      changes.send();
      left = APPLIED_PER_SLICE;
      yield;
    }
    changes.send();
  }

  async pauseTopic(topic: TopicHandle, isPaused: boolean): Promise<void> {
    topic.isPaused = isPaused;
    expectDone(await topic.pump.request({ do: 'pauseTopic', topic: topic.number, isPaused }));
  }

  async pauseChannel(channel: ChannelHandle, isPaused: boolean): Promise<void> {
    channel.isPaused = isPaused;
    const { topic, number } = channel;
    expectDone(
      await topic.pump.request({
        do: 'pauseChannel',
        topic: topic.number,
        channel: number,
        isPaused,
      }),
    );
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
    if (!isEphemeral(topic.name)) this.#save(topic);
    expectDone(await reply);
    this.#byNumber.delete(topic.number);
    await left;
  }

  /** Resolves when the channel's files are removed. An ephemeral topic is deleted with its last channel. */
  async deleteChannel(channel: ChannelHandle): Promise<void> {
    const { topic, number } = channel;
    this.#logger.info(`TOPIC(${topic.name}): deleting channel ${channel.name}`);
    topic.channels.delete(channel.name);
    if (mayRefuse(channel.policy)) topic.refusingChannelCount--;
    destroyMembers(channel);
    this.#expiry.onDeleted(channel);
    this.#registry.onChannelDeleted(topic.name, channel.name);
    const request = { do: 'deleteChannel', topic: topic.number, channel: number } as const;
    const reply = topic.pump.request(request);
    if (!isEphemeral(topic.name) && !isEphemeral(channel.name)) this.#save(topic);
    const isLast = isEphemeral(topic.name) && topic.channels.size === 0 && !topic.isDeleted;
    const topicReply = isLast ? this.deleteTopic(topic) : undefined;
    expectDone(await reply);
    await topicReply;
  }

  /** A consumer leaves. An ephemeral channel is deleted with its last consumer. Errors: as `deleteChannel`. */
  async leave(channel: ChannelHandle, member: ChannelMember): Promise<void> {
    if (!channel.members.delete(member)) return;
    if (channel.members.size === 0) this.#expiry.onIdle(channel);
    void channel.topic.pump.request({ do: 'unsubscribe', consumer: member.number });
    const isThere = channel.topic.channels.get(channel.name) === channel;
    if (isThere && isEphemeral(channel.name) && channel.members.size === 0) {
      await this.deleteChannel(channel);
    }
  }

  /** What is left to do for a deleted topic's channels, in slices. What exists again meanwhile is not gone. */
  *#leaveTopic({ name }: TopicHandle, channels: readonly ChannelHandle[]): Generator<void, void> {
    yield* leaveChannels(channels, (channel) => {
      this.#expiry.onDeleted(channel);
      const isThere = this.#topics.get(name)?.channels.has(channel.name) ?? false;
      if (!isThere) this.#registry.onChannelDeleted(name, channel.name);
    });
    if (!this.#topics.has(name)) this.#registry.onTopicDeleted(name);
  }

  #applyToTopic(topic: TopicHandle, changes: PolicyChanges): void {
    const policy = this.#policies.ofTopic(topic.name);
    if (isDeepStrictEqual(policy, topic.policy)) return;
    topic.policy = policy;
    changes.addTopic(topic.pump, topic.number, policy);
  }

  #applyToChannel(channel: ChannelHandle, changes: PolicyChanges): void {
    const { topic } = channel;
    const policy = this.#policies.ofChannel(topic.name, channel.name);
    if (isDeepStrictEqual(policy, channel.policy)) return;
    topic.refusingChannelCount += Number(mayRefuse(policy)) - Number(mayRefuse(channel.policy));
    channel.policy = policy;
    this.#expiry.onPolicy(channel);
    changes.addChannel(topic.pump, channel.number, policy);
  }

  /** Creates a topic that passes nothing on before it has the channels that peers know, so that they miss nothing. */
  #createAndAsk(name: TopicName): TopicHandle {
    const asked = this.#registry.channelsOf(name);
    const topic = this.#create(name, false, asked === undefined);
    topic.opening = asked?.then((channels) => {
      topic.opening = undefined;
      if (topic.isDeleted) return;
      for (const channel of channels) this.getOrCreateChannel(topic, channel);
      this.start(topic);
    });
    return topic;
  }

  #create(name: TopicName, isPaused: boolean, isStarted: boolean): TopicHandle {
    const number = this.#nextNumber();
    const pump = this.#pumps[nameHash(name) % this.#pumps.length];
    const policy = this.#policies.ofTopic(name);
    const topic: TopicHandle = {
      number,
      name,
      pump,
      channels: new Map(),
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
    void pump.request({ do: 'createTopic', topic: number, name, isPaused, isStarted, policy });
    if (!isEphemeral(name)) this.#save(topic);
    return topic;
  }

  #save(topic: TopicHandle): void {
    const saving = this.#onChange()?.then(() => null, errorText) ?? null;
    topic.saving = saving;
    void saving?.then((error) => {
      if (error === null && topic.saving === saving) topic.saving = null;
    });
  }

  /** Topics and channels share one sequence of numbers, and no number is used twice. */
  #nextNumber(): number {
    return ++this.#lastNumber;
  }
}

/** Whether a channel may refuse a publish because it is full. */
function mayRefuse(policy: ChannelPolicy): boolean {
  return policy.whenFull === 'reject' && hasQueueBound(policy);
}

function expectDone({ error }: ControlReply): void {
  if (error !== null) throw new Error(error);
}
