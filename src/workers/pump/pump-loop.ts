/**
 * The loop of a pump thread: it handles the messages of its topics between the incoming and the outgoing rings.
 *
 * A turn, in this order: look at the publish ring; handle all commands of the command ring, each control request
 * after the publishes that precede it; handle the answers of the disk threads; fire due deadlines; evict messages of
 * queues that hold too much memory, and let others read; handle publishes; pass messages from topics to channels and
 * from channels to consumers; write requests to the disk threads. Publishes come last and are limited, so that a FIN
 * never waits for them.
 *
 * Back-pressure: main must stop publishes to topics that have much on its way to the disk. While all topics together
 * have far more (`WriteBacklog`), the loop takes no publishes, except some that a request waits for. It takes no
 * commands while the deliver ring has no room for their answers.
 *
 * Thread: pump. Source: nsqd `Topic.messagePump`, `protocolV2.messagePump`.
 */

import { assert } from '../../shared/assert.ts';
import type { PumpEvent } from '../../shared/control.ts';
import * as records from '../../shared/records.ts';
import type { Doorbell } from '../../shared/ring/doorbell.ts';
import { EMPTY, type RingReader } from '../../shared/ring/ring.ts';
import { DiskLink } from './backend/disk-link.ts';
import { SharedPolicies } from './backend/shared-policies.ts';
import { Outbox } from './outbox.ts';
import { publishAnswered, publishTo } from './publishing.ts';
import { PumpCommands } from './pump-commands.ts';
import { PumpControl } from './pump-control.ts';
import type { PumpLoopOptions } from './pump-loop-options.ts';
import type { PumpMeter } from './pump-meter.ts';
import { PumpState } from './pump-state.ts';
import { PumpStats } from './pump-stats.ts';
import { TimeSlice } from './time-slice.ts';
import { RefusedPublications } from './topic-bound.ts';
import type { PublishedMessages } from './topic-options.ts';
import { WallClock } from './wall-clock.ts';

const NS_PER_MS = 1e6;
/** Most bytes of publishes, and most messages passed on by each topic and channel, in one turn. */
const PUBLISH_BYTES_PER_TURN = 1024 * 1024;
const DRAIN_PER_TURN = 4096;
/** Bytes of commands that one turn takes: 8192 FINs, which take about 3 ms. */
const COMMAND_BYTES_PER_TURN = 64 * 1024;
/** Bytes of publishes after which the clock is read, which costs as much as a small message. */
const PUBLISH_BYTES_PER_LOOK = 64 * 1024;
const DELIVER_PER_TURN = 4096;
/** Most bytes of publishes taken although the disks have no room, so that requests after them need not wait. */
const OVERDRAFT_BYTES_MAX = 32 * 1024 * 1024;

export class PumpLoop {
  readonly #publishes: RingReader;
  readonly #commands: RingReader;
  readonly #mainBell: Doorbell;
  readonly #meter: PumpMeter;
  readonly #monotonicMs: () => number;
  readonly #timeSlice: TimeSlice;
  readonly #links: readonly DiskLink[];
  readonly #outbox: Outbox;
  readonly #state: PumpState;
  readonly #consumerCommands: PumpCommands;
  readonly #control: PumpControl;
  /** Bytes of the publish ring that this turn has taken. */
  #taken = 0;
  /** Bytes of publishes taken for later requests since the disks have no room. */
  #overdrawnBytes = 0;
  /** Whether all commands were taken that came before the publishes which are seen. */
  #mayPublish = false;
  /** Whether commands that were seen are left for the next turn. */
  #hasCommandsLeft = false;
  /** Whether publishes were seen that may be later than commands that were not seen. */
  #seesAhead = false;
  #nowMs = 0;
  readonly #refused = new RefusedPublications();
  readonly #publication: PublishedMessages;

  constructor(options: PumpLoopOptions) {
    this.#publishes = options.publishes;
    this.#commands = options.commands;
    this.#mainBell = options.mainBell;
    this.#meter = options.meter;
    this.#monotonicMs = options.monotonicMs;
    this.#timeSlice = new TimeSlice(options.monotonicMs);
    this.#outbox = new Outbox(options.deliveries);
    const link = ({ requests, replies, bell }: PumpLoopOptions['disks'][number]): DiskLink =>
      new DiskLink(
        requests,
        replies,
        bell,
        (level, text) => this.#log(level, text),
        (event) => this.#outbox.tell(event),
      );
    const disks = options.disks.map(link);
    const streams = options.streams === null ? null : link(options.streams);
    this.#links = streams === null ? disks : [...disks, streams];
    const { percentiles, windowMs, unixNs } = options.latency;
    this.#state = new PumpState({
      links: disks,
      streams,
      deliveries: options.deliveries,
      nodeId: options.nodeId,
      memoryBudgetBytes: options.memoryBudgetBytes,
      wallClock: new WallClock(() => unixNs() / NS_PER_MS, options.monotonicMs),
      maxMsgTimeoutMs: options.maxMsgTimeoutMs,
      latencyWindow: percentiles.length === 0 ? null : { windowMs, unixNs },
      meter: options.meter,
      random: options.random,
      nowMs: options.monotonicMs(),
      backlogBounds: options.backlogBounds,
      fanOutBounds: options.fanOutBounds,
      onHeld: (topic, isHeld) => this.#outbox.hold(topic, isHeld),
      onBackendHealth: (topic, error) => this.#outbox.tell({ event: 'backend', topic, error }),
      onTimeouts: (channel, count) => this.#outbox.tell({ event: 'timeouts', channel, count }),
    });
    this.#consumerCommands = new PumpCommands(this.#state, this.#outbox, options);
    this.#control = new PumpControl(
      this.#state,
      this.#outbox,
      this.#links,
      new PumpStats(percentiles, unixNs),
      streams === null ? null : new SharedPolicies(streams),
    );
    this.#publication = {
      bytes: options.publishes.bytes,
      at: 0,
      count: 0,
      deferMs: 0,
      timestampHigh: 0,
      timestampLow: 0,
      isToDisk: false,
    };
  }

  /** What the pump holds; for tests and the simulator. */
  get state(): PumpState {
    return this.#state;
  }

  /** Whether the loop has ended: everything is on disk, and main has been told. */
  get isDone(): boolean {
    return this.#control.isClosed && !this.#outbox.isBacklogged;
  }

  /** When the next turn is due without other events; Infinity if never. Units: ms, monotonic. */
  get nextDeadlineMs(): number {
    let next = this.#state.nextDeadlineMs;
    for (const link of this.#links) next = Math.min(next, link.nextDeadlineMs);
    return next;
  }

  /** Does a bounded amount of work and returns how much; 0: there was none. Units: ms, monotonic. */
  step(nowMs: number): number {
    this.#nowMs = nowMs;
    this.#meter.startTurn(nowMs, this.#state.messageBytes);
    this.#taken = 0;
    this.#state.fanOuts.renew();
    this.#outbox.flush();
    let work = this.#takeCommands();
    for (const link of this.#links) work += link.poll(nowMs);
    work += this.#state.fireDeadlines(nowMs);
    work += this.#state.evict();
    this.#state.feedStarved();
    if (this.#mayPublish) work += this.#takePublishes();
    work += this.#state.drain(DRAIN_PER_TURN, nowMs, this.#timeSlice);
    work += this.#state.deliver(DELIVER_PER_TURN, nowMs, this.#timeSlice);
    work += this.#state.deadLetters.flush(nowMs);
    work += this.#control.step();
    const wasFull = this.#state.backlog.isFull;
    if (!wasFull) this.#overdrawnBytes = 0;
    for (const link of this.#links) link.flush(nowMs);
    // The next turn handles work that had to wait, for which no bell rings.
    if (wasFull && !this.#state.backlog.isFull) work++;
    this.#ringMain();
    return work;
  }

  /**
   * Takes commands. The publish ring is looked at first, and neither ring again until all commands that were seen are
   * taken: so no publish is taken before an earlier command, and publishes have their turn however many commands come.
   */
  #takeCommands(): number {
    const commands = this.#commands;
    if (!this.#hasCommandsLeft) {
      this.#publishes.look();
      commands.look();
      this.#seesAhead = false;
    }
    this.#hasCommandsLeft = false;
    this.#mayPublish = false;
    let work = 0;
    let bytes = 0;
    for (let type = commands.front(); type !== EMPTY; type = commands.front()) {
      this.#hasCommandsLeft = bytes >= COMMAND_BYTES_PER_TURN;
      if (this.#hasCommandsLeft) return work;
      if (this.#outbox.isBacklogged || (type === records.CONTROL && !this.#mayTakeControl())) {
        return work;
      }
      bytes += commands.length;
      work += this.#takeCommand(type);
      commands.pop();
    }
    this.#mayPublish = !this.#seesAhead;
    return work;
  }

  #takeCommand(type: number): number {
    switch (type) {
      case records.BARRIER:
        this.#outbox.answer(this.#commandWord(records.BARRIER_TOKEN), null);
        return 1;
      case records.DEAD_LETTERED: {
        const isKept = this.#commandWord(records.DEAD_LETTERED_KEPT) === 1;
        const token = this.#commandWord(records.DEAD_LETTERED_TOKEN);
        this.#state.deadLetters.settle(token, isKept, this.#nowMs);
        return 1;
      }
      case records.CONTROL:
        return this.#takeControl();
      default:
        return this.#consumerCommands.take(type, this.#nowMs);
    }
  }

  #commandWord(field: number): number {
    return this.#commands.words[(this.#commands.offset >>> 2) + field];
  }

  /** Whether the control request at the front can be handled: statistics never wait for the disks. */
  #mayTakeControl(): boolean {
    return this.#catchUp() || this.#control.isForStatistics(this.#controlPiece());
  }

  /**
   * Handles everything that was published before the control request at the front. Returns false if the disks have no
   * room: then the request and all later ones wait.
   */
  #catchUp(): boolean {
    const position = this.#commandWord(records.CONTROL_POSITION);
    const publishes = this.#publishes;
    while (((position - publishes.position) | 0) > 0) {
      const { isFull } = this.#state.backlog;
      if (isFull && this.#overdrawnBytes >= OVERDRAFT_BYTES_MAX) return false;
      if (publishes.front() !== EMPTY) {
        const takenBefore = this.#taken;
        this.#takePublish();
        if (isFull) this.#overdrawnBytes += this.#taken - takenBefore;
        continue;
      }
      assert(publishes.look(), 'what came before a control request is visible with it');
      // There may be publishes now that follow a request that only the next turn sees.
      this.#seesAhead = true;
    }
    return true;
  }

  #takeControl(): number {
    const token = this.#commandWord(records.CONTROL_TOKEN);
    const hasMore = this.#commandWord(records.CONTROL_MORE) === 1;
    this.#control.take(this.#controlPiece(), token, hasMore, this.#nowMs);
    return 1;
  }

  #controlPiece(): Buffer {
    const { bytes, offset, length } = this.#commands;
    return bytes.subarray(offset + records.fieldBytes(records.CONTROL_WORDS), offset + length);
  }

  #takePublishes(): number {
    const publishes = this.#publishes;
    let work = 0;
    let looks = 1;
    while (this.#taken < PUBLISH_BYTES_PER_TURN && !this.#state.backlog.isFull) {
      if (publishes.front() === EMPTY) break;
      work += this.#takePublish();
      if (this.#taken < looks * PUBLISH_BYTES_PER_LOOK) continue;
      if (looks++ === 1) this.#timeSlice.begin();
      else if (this.#timeSlice.isOver) break;
    }
    if (publishes.release()) this.#mainBell.ring();
    return work;
  }

  /** Handles the front record of the publish ring. Returns its messages. */
  #takePublish(): number {
    const publishes = this.#publishes;
    const { words, offset, length } = publishes;
    const at = offset >>> 2;
    const topic = this.#state.topic(words[at + records.PUBLISH_TOPIC]);
    const token = words[at + records.PUBLISH_TOKEN];
    const publication = this.#publication;
    publication.at = offset + records.fieldBytes(records.PUBLISH_WORDS);
    publication.count = words[at + records.PUBLISH_COUNT];
    publication.deferMs = words[at + records.PUBLISH_DEFER_MS];
    publication.timestampHigh = words[at + records.PUBLISH_TIMESTAMP];
    publication.timestampLow = words[at + records.PUBLISH_TIMESTAMP + 1];
    publication.isToDisk = words[at + records.PUBLISH_TO_DISK] === 1;
    const bytes = offset + length - publication.at;
    const nowMs = this.#timeFor(publication.deferMs);
    if (token === 0) {
      if (topic !== undefined) publishTo(topic, publication, nowMs, null);
    } else {
      const refusal = this.#refused.refusalOf(words, at, bytes, topic);
      if (topic === undefined) this.#outbox.answer(token, 'exiting');
      else if (refusal === null) publishAnswered(topic, publication, nowMs, token, this.#outbox);
      else this.#outbox.answer(token, refusal);
    }
    this.#taken += length;
    publishes.pop();
    return publication.count;
  }

  /** The time at which a delay starts. */
  #timeFor(delayMs: number): number {
    return delayMs > 0 ? this.#monotonicMs() : this.#nowMs;
  }

  #ringMain(): void {
    // Every turn does all three, regardless of the results.
    const hasCommandRoom = this.#commands.release();
    const hasPublishRoom = this.#publishes.release();
    const hasNews = this.#outbox.ring.publish();
    if (hasCommandRoom || hasPublishRoom || hasNews) this.#mainBell.ring();
  }

  #log(level: number, text: string): void {
    const levels: Record<number, 'info' | 'warn' | 'error'> = { 2: 'info', 3: 'warn', 4: 'error' };
    const event: PumpEvent = { event: 'log', level: levels[level] ?? 'error', text };
    this.#outbox.tell(event);
  }
}
