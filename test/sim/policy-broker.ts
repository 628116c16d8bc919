/**
 * A broker of main's core, one pump and one disk over memory, in one thread: a topic with two channels, a topic for
 * dead letters, and two consumers of each channel.
 *
 * Thread: any. Units: times in ms.
 */

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { Policies } from '../../src/main/policies/policies.ts';
import { planThreads } from '../../src/main/pumps/thread-plan.ts';
import { Acknowledgements } from '../../src/main/stats/node-meters.ts';
import { BrokerCore } from '../../src/main/topics/core.ts';
import type { ChannelHandle, ChannelMember, TopicHandle } from '../../src/main/topics/topic-map.ts';
import type { ControlReply } from '../../src/shared/control.ts';
import { wireIoLoop } from '../../src/workers/disk/io-wiring.ts';
import { wirePumpLoop } from '../../src/workers/pump/pump-wiring.ts';
import { type optionsWith, testRingSizes } from '../support/broker-turns.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import type { MemoryFileSystem } from '../support/memory-file-system.ts';
import { type FrameMessage, idWords, parseFrames } from '../support/message-bytes.ts';
import { meteredThread } from '../support/metered-thread.ts';
import { NO_REGISTRY } from '../support/no-registry.ts';
import type { Random } from '../support/seeded-random.ts';
import { strictGuard } from '../support/strict-guard.ts';
import { channelName, topicName } from './names.ts';

export const DATA_PATH = '/data';
export const TOPIC = 'work';
export const CHANNELS = ['a', 'b'];
export const DEAD = 'dead';
export const DEAD_CHANNEL = 'd';
export const MSG_TIMEOUT_MS = 500;
const QUIET_TURNS = 3;
/** Turns within which an undisturbed broker must come to rest. */
const TURNS_TO_REST = 5000;

export class Consumer implements ChannelMember {
  readonly number: number;
  readonly channel: ChannelHandle;
  held: FrameMessage[] = [];

  constructor(number: number, channel: ChannelHandle) {
    this.number = number;
    this.channel = channel;
  }

  destroy(): void {
    throw new Error('no channel is deleted here');
  }
}

/** What a test is told of messages. */
export type Witness = {
  /** A consumer's FIN was carried out. */
  readonly finished: (channel: string, message: FrameMessage) => void;
  readonly delivered: (channel: string, message: FrameMessage) => void;
};

export class PolicyBroker {
  readonly core: BrokerCore;
  readonly consumers: Consumer[] = [];
  /** FINs on their way, by consumer and id. */
  readonly asked = new Map<string, FrameMessage>();
  readonly #loop;
  readonly #io;
  readonly #clock: ManualClock;
  readonly #witness: Witness;
  readonly #inFlight = new Map<ChannelHandle, { inFlightBefore: number; inFlight: number }>();
  #isTurnRequested = true;

  constructor(
    clock: ManualClock,
    disk: MemoryFileSystem,
    policies: Policies,
    options: ReturnType<typeof optionsWith>,
    witness: Witness,
  ) {
    this.#clock = clock;
    this.#witness = witness;
    const { mainBell, pumpTasks, diskTasks } = planThreads({
      pumpCount: 1,
      diskCount: 1,
      sizes: testRingSizes(),
      pump: {
        nodeId: 1,
        memoryBudgetBytes: Number.POSITIVE_INFINITY,
        maxMsgTimeoutMs: options.maxMsgTimeoutMs,
        latencyPercentiles: [],
        latencyWindowMs: 600_000,
      },
      disk: { ...options, dataPath: DATA_PATH },
      stream: null,
    });
    this.core = new BrokerCore({
      pumps: pumpTasks,
      mainBell,
      publishTimes: new Acknowledgements(clock),
      clock,
      guard: strictGuard(),
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      registry: NO_REGISTRY,
      policies,
      maxMsgSize: options.maxMsgSize,
      onChange: () => undefined,
      requestTurn: () => {
        this.#isTurnRequested = true;
      },
      target: (number) => {
        const consumer = this.consumers.find((one) => one.number === number);
        if (consumer === undefined) return undefined;
        return {
          deliver: (frames) => this.#onFrames(consumer, frames),
          // What timed out meanwhile is refused, and was not finished then.
          refuse: (error) => this.#onRefused(consumer, error.data.toString()),
          destroy: () => consumer.destroy(),
        };
      },
      flushClients: () => undefined,
      onEvent: () => undefined,
    });
    this.#loop = wirePumpLoop(pumpTasks[0], {
      clock,
      thread: meteredThread(),
      random: () => 0,
    });
    this.#io = wireIoLoop(diskTasks[0], disk);
    const { topics } = this.core;
    for (const [topic, ...channels] of [
      [TOPIC, ...CHANNELS],
      [DEAD, DEAD_CHANNEL],
    ]) {
      const handle = topics.createStopped(topicName(topic), false);
      for (const channel of channels) {
        const channelHandle = topics.getOrCreateChannel(handle, channelName(channel));
        for (let i = 0; i < 2; i++) this.#subscribe(handle, channelHandle);
      }
      topics.start(handle);
    }
  }

  get channels(): ChannelHandle[] {
    return [...new Set(this.consumers.map(({ channel }) => channel))];
  }

  /** The number of messages of a channel in flight, now and at the last call. */
  inFlightOf(channel: ChannelHandle): { inFlightBefore: number; inFlight: number } {
    const inFlight = this.#loop.state.channels.get(channel.number)?.inFlightCount ?? 0;
    const before = this.#inFlight.get(channel)?.inFlight ?? 0;
    this.#inFlight.set(channel, { inFlightBefore: before, inFlight });
    return { inFlightBefore: before, inFlight };
  }

  /** A consumer finishes a message. After a timeout it may hold it twice, and its second FIN would be refused. */
  finish({ number, channel }: Consumer, message: FrameMessage): void {
    const key = `${number} ${message.id}`;
    if (this.asked.has(key)) return;
    channel.topic.pump.finish(number, ...idWords(message.id));
    this.asked.set(key, message);
  }

  /** One of the consumers, at random, gets this ready count. */
  setReady(count: number, random: Random): void {
    const { number, channel } = this.consumers[random(this.consumers.length)];
    channel.topic.pump.setReady(number, count);
  }

  nameOfTopic(number: number): string | undefined {
    return this.core.topics.getByNumber(number)?.name;
  }

  nameOfChannel(number: number): string {
    const channel = this.channels.find((one) => one.number === number);
    assert.ok(channel !== undefined);
    return channel.name;
  }

  /** Takes turns until nothing more happens. */
  async turns(): Promise<void> {
    for (let quiet = 0, turns = 0; quiet < QUIET_TURNS; turns++) {
      assert.ok(turns < TURNS_TO_REST, 'the broker comes to rest');
      await setImmediate();
      let work = this.#isTurnRequested ? 1 : 0;
      this.#isTurnRequested = false;
      work += this.core.endTurn();
      const nowMs = this.#clock.monotonicMs();
      work += this.#loop.step(nowMs);
      work += this.#io.step(nowMs);
      quiet = work > 0 ? 0 : quiet + 1;
    }
    this.#settleFinished();
  }

  /** One turn of one of those that take turns, by number: main, the pump, or the disk. */
  async turn(which: number): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (which === 0) this.core.endTurn();
    else if (which === 1) this.#loop.step(nowMs);
    else this.#io.step(nowMs);
    await setImmediate();
  }

  async stats(): Promise<NonNullable<ControlReply['counts']>> {
    const { topics, channels } = this.#loop.state;
    const { counts } = await this.#request({
      do: 'stats',
      topics: [...topics.keys()],
      channels: [...channels.keys()],
      consumers: [],
    });
    assert.ok(counts !== undefined);
    return counts;
  }

  async close(): Promise<void> {
    const { error } = await this.#request({ do: 'close' });
    assert.equal(error ?? null, null);
  }

  async #request(request: Parameters<BrokerCore['pumps'][0]['request']>[0]): Promise<ControlReply> {
    const replying = this.core.pumps[0].request(request);
    await this.turns();
    return replying;
  }

  #subscribe(topic: TopicHandle, channel: ChannelHandle): void {
    const consumer = new Consumer(this.consumers.length + 1, channel);
    this.consumers.push(consumer);
    channel.members.add(consumer);
    void topic.pump.request({
      do: 'subscribe',
      topic: topic.number,
      channel: channel.number,
      consumer: consumer.number,
      msgTimeoutMs: MSG_TIMEOUT_MS,
      sampleRate: 0,
      locality: 'global',
    });
    topic.pump.setReady(consumer.number, channel.name === DEAD_CHANNEL ? 10 : 2);
  }

  #onFrames(consumer: Consumer, frames: Buffer): void {
    const messages = parseFrames(frames);
    consumer.held.push(...messages);
    consumer.channel.topic.pump.credit(consumer.number, frames.length);
    for (const message of messages) this.#witness.delivered(consumer.channel.name, message);
  }

  #onRefused(consumer: Consumer, text: string): void {
    const [id] = /[0-9a-f]{16}/.exec(text) ?? [];
    if (text.startsWith('E_FIN')) this.asked.delete(`${consumer.number} ${id}`);
  }

  /** After the turns each FIN was carried out or refused. */
  #settleFinished(): void {
    for (const [key, message] of this.asked) {
      const consumer = this.consumers[Number(key.split(' ')[0]) - 1];
      this.#witness.finished(consumer.channel.name, message);
    }
    this.asked.clear();
  }
}
