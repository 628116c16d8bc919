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

import { AssertionError, assert } from '../../shared/assert.ts';
import type { PumpEvent } from '../../shared/control.ts';
import * as records from '../../shared/records.ts';
import type { Doorbell } from '../../shared/ring/doorbell.ts';
import { EMPTY, type RingReader } from '../../shared/ring/reader.ts';
import { DiskLink } from './backend/disk-link.ts';
import { Receipt } from './backend/receipt.ts';
import { ACCEPTED } from './channel.ts';
import type { Consumer } from './consumer.ts';
import { Outbox } from './outbox.ts';
import { PumpControl } from './pump-control.ts';
import type { PumpLoopOptions } from './pump-loop-options.ts';
import type { PumpMeter } from './pump-meter.ts';
import { PumpState } from './pump-state.ts';
import { PumpStats } from './pump-stats.ts';
import { RefusedPublications } from './refused-publications.ts';
import type { Topic } from './topic.ts';
import type { Publication } from './topic-options.ts';
import { WallClock } from './wall-clock.ts';

const NS_PER_MS = 1e6;
/** Most bytes of publishes, and most messages passed on by each topic and channel, in one turn. */
const PUBLISH_BYTES_PER_TURN = 1024 * 1024;
const DRAIN_PER_TURN = 4096;
const DELIVER_PER_TURN = 4096;
/**
 * Most bytes of publishes that are taken although the disks have no room, so that requests after them need not wait.
 */
const OVERDRAFT_BYTES_MAX = 32 * 1024 * 1024;

export class PumpLoop {
  readonly #publishes: RingReader;
  readonly #commands: RingReader;
  readonly #mainBell: Doorbell;
  readonly #meter: PumpMeter;
  readonly #monotonicMs: () => number;
  readonly #links: readonly DiskLink[];
  readonly #outbox: Outbox;
  readonly #state: PumpState;
  readonly #control: PumpControl;
  /** Bytes of the publish ring that this turn has taken. */
  #taken = 0;
  /** Bytes of publishes taken for later requests since the disks have no room. */
  #overdrawnBytes = 0;
  /** Whether the publish ring must be looked at before commands are taken. */
  #mayPublish = false;
  #nowMs = 0;
  readonly #refused = new RefusedPublications();
  readonly #publication: Publication;

  constructor(options: PumpLoopOptions) {
    this.#publishes = options.publishes;
    this.#commands = options.commands;
    this.#mainBell = options.mainBell;
    this.#meter = options.meter;
    this.#monotonicMs = options.monotonicMs;
    this.#outbox = new Outbox(options.deliveries);
    this.#links = options.disks.map(
      ({ requests, replies, bell }) =>
        new DiskLink(requests, replies, bell, (level, text) => this.#log(level, text)),
    );
    const { percentiles, windowMs, unixNs } = options.latency;
    this.#state = new PumpState({
      links: this.#links,
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
      handOverBounds: options.handOverBounds,
      onHeld: (topic, isHeld) => this.#outbox.hold(topic, isHeld),
      onBackendHealth: (topic, error) => this.#outbox.tell({ event: 'backend', topic, error }),
      onTimeouts: (channel, count) => this.#outbox.tell({ event: 'timeouts', channel, count }),
    });
    this.#control = new PumpControl(
      this.#state,
      this.#outbox,
      this.#links,
      new PumpStats(percentiles, unixNs),
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
    this.#state.handOvers.renew();
    this.#outbox.flush();
    let work = this.#takeCommands();
    for (const link of this.#links) work += link.poll(nowMs);
    work += this.#state.fireDeadlines(nowMs);
    work += this.#state.evict();
    this.#state.feedStarved();
    if (this.#mayPublish) work += this.#takePublishes();
    work += this.#state.drain(DRAIN_PER_TURN, nowMs);
    work += this.#state.deliver(DELIVER_PER_TURN, nowMs);
    work += this.#state.deadLetters.flush(nowMs);
    this.#control.step();
    const wasFull = this.#state.backlog.isFull;
    if (!wasFull) this.#overdrawnBytes = 0;
    for (const link of this.#links) link.flush(nowMs);
    // Work that had to wait is for the next turn, and no bell rings for it.
    if (wasFull && !this.#state.backlog.isFull) work++;
    this.#ringMain();
    return work;
  }

  /**
   * Handles everything in the command ring. The publish ring was looked at before, so no publish is handled before an
   * earlier command.
   */
  #takeCommands(): number {
    const commands = this.#commands;
    this.#publishes.look();
    this.#mayPublish = true;
    if (!commands.look()) return 0;
    let work = 0;
    for (let type = commands.front(); type !== EMPTY; type = commands.front()) {
      if (this.#outbox.isBacklogged || (type === records.CONTROL && !this.#mayTakeControl())) {
        this.#mayPublish = false;
        break;
      }
      work += this.#takeCommand(type);
      commands.pop();
    }
    return work;
  }

  #takeCommand(type: number): number {
    switch (type) {
      case records.FINISH:
        return this.#finish();
      case records.REQUEUE:
        return this.#requeue();
      case records.TOUCH:
        return this.#touch();
      case records.READY:
        return this.#setReady();
      case records.CREDIT:
        return this.#credit();
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
        throw new AssertionError('main sends no other commands');
    }
  }

  #commandWord(field: number): number {
    return this.#commands.words[(this.#commands.offset >>> 2) + field];
  }

  #finish(): number {
    const consumer = this.#state.consumer(this.#commandWord(records.FINISH_CONSUMER));
    if (consumer === undefined) return 1;
    const channel = this.#state.channelOf(consumer);
    const { words, offset, length } = this.#commands;
    const end = (offset + length) >>> 2;
    for (let at = (offset >>> 2) + records.FINISH_IDS; at < end; at += 2) {
      const outcome = channel.finish(consumer, words[at], words[at + 1]);
      if (outcome !== ACCEPTED) {
        this.#outbox.refuse(consumer.number, records.FINISH, outcome, words[at], words[at + 1]);
      }
    }
    channel.onAppetite(consumer);
    return this.#meter.countFinishes((end - (offset >>> 2) - records.FINISH_IDS) >>> 1);
  }

  #requeue(): number {
    const consumer = this.#state.consumer(this.#commandWord(records.REQUEUE_CONSUMER));
    if (consumer === undefined) return 1;
    const channel = this.#state.channelOf(consumer);
    const high = this.#commandWord(records.REQUEUE_ID);
    const low = this.#commandWord(records.REQUEUE_ID + 1);
    const delayMs = this.#commandWord(records.REQUEUE_DELAY_MS);
    const outcome = channel.requeue(consumer, high, low, delayMs, this.#timeFor(delayMs));
    this.#meter.countRequeue();
    this.#refuseUnlessAccepted(outcome, consumer, records.REQUEUE, high, low);
    channel.onAppetite(consumer);
    return 1;
  }

  #touch(): number {
    const consumer = this.#state.consumer(this.#commandWord(records.TOUCH_CONSUMER));
    if (consumer === undefined) return 1;
    const high = this.#commandWord(records.TOUCH_ID);
    const low = this.#commandWord(records.TOUCH_ID + 1);
    const outcome = this.#state.channelOf(consumer).touch(consumer, high, low, this.#nowMs);
    this.#meter.countTouch();
    this.#refuseUnlessAccepted(outcome, consumer, records.TOUCH, high, low);
    return 1;
  }

  #refuseUnlessAccepted(
    outcome: number,
    consumer: Consumer,
    command: number,
    high: number,
    low: number,
  ): void {
    if (outcome !== ACCEPTED) this.#outbox.refuse(consumer.number, command, outcome, high, low);
  }

  #setReady(): number {
    const consumer = this.#state.consumer(this.#commandWord(records.READY_CONSUMER));
    if (consumer === undefined) return 1;
    consumer.readyCount = this.#commandWord(records.READY_COUNT);
    this.#meter.countReady();
    this.#state.channelOf(consumer).onAppetite(consumer);
    return 1;
  }

  #credit(): number {
    const consumer = this.#state.consumer(this.#commandWord(records.CREDIT_CONSUMER));
    if (consumer === undefined) return 1;
    consumer.windowBytes += this.#commandWord(records.CREDIT_BYTES);
    this.#state.channelOf(consumer).onAppetite(consumer);
    return 1;
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
      // There may be publishes now that follow a request which only the next turn sees.
      this.#mayPublish = false;
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
    while (this.#taken < PUBLISH_BYTES_PER_TURN && !this.#state.backlog.isFull) {
      if (publishes.front() === EMPTY) break;
      work += this.#takePublish();
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
    if (token === 0) {
      if (topic !== undefined) this.#publish(topic, publication, null);
    } else {
      const refusal = this.#refused.refusalOf(words, at, bytes, topic);
      if (topic === undefined) this.#outbox.answer(token, 'exiting');
      else if (refusal === null) this.#publishWithAnswer(topic, publication, token);
      else this.#outbox.answer(token, refusal);
    }
    this.#taken += length;
    publishes.pop();
    return publication.count;
  }

  /** Answers when the messages are safe, or cannot be made safe. */
  #publishWithAnswer(topic: Topic, publication: Publication, token: number): void {
    const countBefore = topic.messageCount;
    const bytesBefore = topic.messageBytes;
    const receipt = new Receipt(true, ({ error }) => {
      if (error !== null) topic.unpublish(count, bodyBytes);
      this.#outbox.answer(token, error);
    });
    this.#publish(topic, publication, receipt);
    const count = topic.messageCount - countBefore;
    const bodyBytes = topic.messageBytes - bytesBefore;
    receipt.seal();
  }

  /** Dead letters move, so they are never taken for messages that were published before. */
  #publish(topic: Topic, publication: Publication, receipt: Receipt | null): void {
    const nowMs = this.#timeFor(publication.deferMs);
    const { deduplication } = topic;
    if (deduplication === null || publication.isToDisk) topic.publish(publication, nowMs, receipt);
    else {
      deduplication.publish(publication, nowMs, receipt, (run, own) => {
        topic.publish(run, nowMs, own);
      });
    }
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
