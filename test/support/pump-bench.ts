/**
 * A pump loop between a main thread and disk threads that the test plays, over real rings.
 *
 * Thread: any.
 */

import { type ControlRequest, encodeControl, type PumpCounts } from '../../src/shared/control.ts';
import * as records from '../../src/shared/records.ts';
import { allocateDoorbell, Doorbell } from '../../src/shared/ring/doorbell.ts';
import { allocateRing, FULL, RingReader, RingWriter } from '../../src/shared/ring/ring.ts';
import type { ChannelPolicy, TopicPolicy } from '../../src/shared/topic-policy.ts';
import type { BacklogBounds } from '../../src/workers/pump/backend/write-backlog.ts';
import { PumpLoop } from '../../src/workers/pump/pump-loop.ts';
import { PumpMeter } from '../../src/workers/pump/pump-meter.ts';
import { DeliverySide, type Heard } from './delivery-side.ts';
import { DiskSide } from './disk-side.ts';
import { type FrameMessage, idWords, publishedBytes } from './message-bytes.ts';
import { meteredThread } from './metered-thread.ts';
import { samePolicies } from './topic-policies.ts';

const TIMESTAMP_NS = 1_700_000_000_000_000_000n;

export interface PumpBenchOptions {
  readonly maxMsgTimeoutMs: number;
  readonly publishBytes: number;
  readonly commandBytes: number;
  readonly deliverBytes: number;
  readonly requestBytes: number;
  readonly random: () => number;
  readonly memoryBudgetBytes: number;
  /** The policy of all topics and channels. */
  readonly policy: Partial<TopicPolicy & ChannelPolicy>;
  readonly backlogBounds: BacklogBounds | undefined;
  /** The percentiles of processing latency. */
  readonly percentiles: readonly number[];
}

/** Wall clock time at monotonic time 0. */
export const UNIX_MS = 1_000_000_000;

const DEFAULTS: PumpBenchOptions = {
  maxMsgTimeoutMs: 900_000,
  publishBytes: 4 * 1024 * 1024,
  commandBytes: 1024 * 1024,
  deliverBytes: 4 * 1024 * 1024,
  requestBytes: 4 * 1024 * 1024,
  random: () => 0,
  memoryBudgetBytes: Number.POSITIVE_INFINITY,
  policy: {},
  backlogBounds: undefined,
  percentiles: [],
};

/** The fields of a publish besides its bodies. */
export interface PublishFields {
  readonly token?: number;
  readonly deferMs?: number;
  /** For a publication in parts: token of the first, and how much follows. */
  readonly first?: number;
  readonly followingCount?: number;
  readonly followingBytes?: number;
  readonly toDisk?: number;
}

export class PumpBench {
  readonly loop: PumpLoop;
  readonly main: DeliverySide;
  readonly disk: DiskSide;
  readonly publishes: RingWriter;
  readonly commands: RingWriter;
  /** All records of the pump so far. */
  readonly heard: Heard[] = [];
  readonly topicPolicy: TopicPolicy;
  readonly channelPolicy: ChannelPolicy;
  nowMs = 0;
  /** How far the wall clock was set forward. */
  setMs = 0;
  /** The age of a turn when the loop reads the time. */
  turnMs = 0;
  readonly thread = meteredThread();
  /** How much later it is each time the loop reads the time. */
  tickMs = 0;
  readonly #mainBell = new Doorbell(allocateDoorbell());
  #lastToken = 1000;

  constructor(options: Partial<PumpBenchOptions> = {}) {
    const complete = { ...DEFAULTS, ...options };
    const policies = samePolicies(complete.policy);
    this.topicPolicy = policies.ofTopic();
    this.channelPolicy = policies.ofChannel();
    const publishes = allocateRing(complete.publishBytes);
    const commands = allocateRing(complete.commandBytes);
    this.publishes = new RingWriter(publishes);
    this.commands = new RingWriter(commands);
    this.main = new DeliverySide(allocateRing(complete.deliverBytes));
    this.disk = new DiskSide(complete.requestBytes);
    // As if main always slept, so that every ring of its bell is counted.
    this.#mainBell.fallAsleep();
    this.loop = new PumpLoop({
      publishes: new RingReader(publishes),
      commands: new RingReader(commands),
      deliveries: this.main.producer,
      mainBell: this.#mainBell,
      disks: [this.disk.link],
      streams: null,
      nodeId: 617,
      memoryBudgetBytes: complete.memoryBudgetBytes,
      ...(complete.backlogBounds && { backlogBounds: complete.backlogBounds }),
      maxMsgTimeoutMs: complete.maxMsgTimeoutMs,
      latency: {
        percentiles: complete.percentiles,
        windowMs: 600_000,
        unixNs: () => (UNIX_MS + this.setMs + this.nowMs + this.turnMs) * 1e6,
      },
      meter: new PumpMeter(this.thread, () => UNIX_MS + this.nowMs + this.turnMs),
      random: complete.random,
      monotonicMs: () => {
        this.turnMs += this.tickMs;
        return this.nowMs + this.turnMs;
      },
    });
  }

  /** How often the pump has rung main. */
  get mainRings(): number {
    return this.#mainBell.rings();
  }

  /** Publishes a batch. Returns false if the ring is full. */
  publish(topic: number, bodies: readonly string[], fields: PublishFields = {}): boolean {
    const bytes = publishedBytes(bodies);
    const isWritten = this.#write(
      this.publishes,
      records.PUBLISH,
      [
        topic,
        bodies.length,
        fields.token ?? 0,
        fields.deferMs ?? 0,
        Number(TIMESTAMP_NS >> 32n),
        Number(TIMESTAMP_NS & 0xffffffffn),
        fields.first ?? 0,
        fields.followingCount ?? 0,
        fields.followingBytes ?? 0,
        fields.toDisk ?? 0,
      ],
      bytes,
    );
    this.publishes.publish();
    return isWritten;
  }

  finish(consumer: number, ...ids: readonly string[]): void {
    this.command(records.FINISH, consumer, ...ids.flatMap(idWords));
  }

  requeue(consumer: number, id: string, delayMs: number): void {
    this.command(records.REQUEUE, consumer, ...idWords(id), delayMs);
  }

  touch(consumer: number, id: string): void {
    this.command(records.TOUCH, consumer, ...idWords(id));
  }

  ready(consumer: number, count: number): void {
    this.command(records.READY, consumer, count);
  }

  credit(consumer: number, bytes: number): void {
    this.command(records.CREDIT, consumer, bytes);
  }

  barrier(token: number): void {
    this.command(records.BARRIER, token);
  }

  /** Any command that consists of fields only. */
  command(type: number, ...fields: readonly number[]): void {
    if (!this.#write(this.commands, type, fields)) throw new Error('the command ring is full');
    this.commands.publish();
  }

  /** Sends a control request, in pieces of this size. Returns its token. */
  control(request: ControlRequest, pieceBytes = 64 * 1024): number {
    const token = ++this.#lastToken;
    const bytes = encodeControl(request);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      const hasMore = at + piece.length < bytes.length ? 1 : 0;
      const fields = [this.publishes.position, token, hasMore];
      if (!this.#write(this.commands, records.CONTROL, fields, piece)) {
        throw new Error('the command ring is full');
      }
    }
    this.commands.publish();
    return token;
  }

  /** One turn. Returns the result of `step`. */
  step(): number {
    const work = this.loop.step(this.nowMs);
    this.heard.push(...this.main.take());
    return work;
  }

  /** Takes turns until there is nothing to do. Returns what main has received meanwhile. */
  settle(): Heard[] {
    const before = this.heard.length;
    // As `runLoop` does: two turns without work before it waits; main rings when it has made room.
    for (let idle = 0, turn = 0; idle < 2; turn++) {
      const heardBefore = this.heard.length;
      const hasWork = this.step() > 0 || this.heard.length > heardBefore;
      idle = hasWork ? 0 : idle + 1;
      if (turn > 1000) throw new Error('the pump never settles');
    }
    return this.heard.slice(before);
  }

  /** Sends a request that needs no disk, and reads the reply. */
  request(request: ControlRequest): Heard {
    const token = this.control(request);
    const reply = this.settle().find((heard) => 'reply' in heard && heard.reply === token);
    if (reply === undefined) throw new Error(`no reply to ${request.do}`);
    return reply;
  }

  /** The counters of everything that exists. */
  stats(): PumpCounts {
    const { topics, channels, consumers } = this.loop.state;
    const reply = this.request({
      do: 'stats',
      topics: [...topics.keys()],
      channels: [...channels.keys()],
      consumers: [...consumers.keys()],
    });
    if (!('counts' in reply) || reply.counts === undefined) throw new Error('no counters');
    return reply.counts;
  }

  /**
   * Topics by number, started, each with these channels; a channel's number is ten times its topic's plus its index.
   */
  createTopic(topic: number, ...channels: readonly string[]): void {
    const name = `t${topic}`;
    const policy = this.topicPolicy;
    this.request({
      do: 'createTopic',
      topic,
      name,
      isPaused: false,
      isStarted: true,
      isReplicated: false,
      policy,
    });
    for (const [index, channelName] of channels.entries()) {
      const channel = topic * 10 + index;
      this.request({
        do: 'createChannel',
        topic,
        channel,
        name: channelName,
        isPaused: false,
        policy: this.channelPolicy,
      });
    }
  }

  /** Subscribes a consumer to a channel, with a ready count. */
  subscribe(channel: number, consumer: number, readyCount: number, msgTimeoutMs = 60_000): void {
    const topic = Math.floor(channel / 10);
    this.request({
      do: 'subscribe',
      topic,
      channel,
      consumer,
      msgTimeoutMs,
      sampleRate: 0,
      locality: 'global',
    });
    this.ready(consumer, readyCount);
    this.settle();
  }

  /** Everything that a consumer has received so far. */
  got(consumer: number): FrameMessage[] {
    return this.heard.flatMap((heard) =>
      'frames' in heard && heard.consumer === consumer ? heard.frames : [],
    );
  }

  bodies(consumer: number): string[] {
    return this.got(consumer).map(({ body }) => body);
  }

  #write(ring: RingWriter, type: number, fields: readonly number[], bytes?: Buffer): boolean {
    const length = fields.length * 4 + (bytes?.length ?? 0);
    const offset = ring.claim(length);
    if (offset === FULL) return false;
    ring.words.set(fields, offset >>> 2);
    if (bytes !== undefined) ring.bytes.set(bytes, offset + fields.length * 4);
    ring.commit(type, length);
    return true;
  }
}
