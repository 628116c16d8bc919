/**
 * Main's handle on a pump thread: the writing ends of the publish and command rings, and the reading end of the
 * deliver ring.
 *
 * Consecutive publishes to one topic share a record, as FINs do in `CommandWriter`; nothing is visible to the pump
 * before `flush`, which is called once per turn. A control request flushes first, which fixes its place among the
 * publishes.
 *
 * Bound: the rings. A publish without room is refused and retried on `onWritable`. Publishes of more than 32 KiB are
 * admitted after the small ones, and only while little is ahead of them; those to a topic that the pump holds are not
 * admitted. Commands and control requests are always accepted; connections check `hasCommandRoom` before each FIN,
 * REQ, TOUCH and RDY, and retry on `onCommandWritable`.
 *
 * Seams: the simulator replaces `publish` of an instance.
 * Thread: main.
 */

import { assert } from '../../shared/assert.ts';
import type { Clock } from '../../shared/clock.ts';
import { type ControlReply, type ControlRequest, encodeControl } from '../../shared/control.ts';
import { CONTROL_BYTES_MAX } from '../../shared/limits.ts';
import * as records from '../../shared/records.ts';
import { Doorbell } from '../../shared/ring/doorbell.ts';
import { FULL, RingReader, RingWriter, recordBytes } from '../../shared/ring/ring.ts';
import { CommandWriter } from './command-writer.ts';
import type { MessageBatch } from './message-batch.ts';
import type { PumpMemory } from './thread-plan.ts';

/** Most bytes of consecutive publishes in one record. */
const PUBLISH_BATCH_BYTES = 32 * 1024;
/** This share of the ring is reserved for small publishes, so that they need not wait for large ones. */
const SMALL_SHARE = 1 / 16;
/**
 * Large publishes enter the ring only while it holds no more than this, which limits what is ahead of a small one. The
 * pump takes milliseconds to copy 1 MiB of messages into memory that it has not used before.
 */
const LARGE_AHEAD_BYTES = 1024 * 1024;
/** Publishes that need no answer may wait while the pump dozes, up to this many bytes of them. */
const UNHURRIED_BYTES_MAX = 64 * 1024;
const PUBLISH_FIELD_BYTES = records.fieldBytes(records.PUBLISH_WORDS);
/** Up to this payload a publish is small. */
const SMALL_BYTES = PUBLISH_FIELD_BYTES + PUBLISH_BATCH_BYTES;

/**
 * The place of a record in a publication of several records. Shape: `first` is the token of the first record, 0 in
 * that one and in a single one; the other fields tell how much follows.
 */
export type PublicationPart = {
  readonly first: number;
  readonly followingCount: number;
  readonly followingBytes: number;
};

const WHOLE: PublicationPart = { first: 0, followingCount: 0, followingBytes: 0 };

export class PumpHandle {
  /** The pump's output, which `Deliveries` reads. */
  readonly deliveries: RingReader;

  readonly #publishes: RingWriter;
  readonly #commands: CommandWriter;
  readonly #bell: Doorbell;
  readonly #clock: Clock;
  /** Requests a `flush` at the end of this turn. */
  readonly #requestFlush: () => void;
  /** Payload of the record that a refused publish needs, in bytes. */
  #wantedBytes = 0;
  /** Whether a publish was refused since the last call of listeners, and whether they are being called. */
  #hasRefused = false;
  #isNotifying = false;
  /** The listeners for room in the publish ring, and in the command ring. */
  #writableListeners: (() => void)[] = [];
  #commandWritableListeners: (() => void)[] = [];
  /** Topics that have too much on the way to the disk, and the listeners for when they continue. */
  readonly #heldTopics = new Map<number, (() => void)[]>();
  /** Whether something has become visible since the bell was last rung. */
  #isBellDue = false;
  /**
   * Whether that includes something urgent, which publishes that nobody waits for are not; and the position of the
   * publish ring when it last did.
   */
  #isHurried = false;
  #hurriedPosition = 0;
  #closing: Promise<ControlReply> | null = null;

  /** The publish record that is being filled: offset, end of the claim, end of what is filled. */
  #openTopic = 0;
  #openOffset = FULL;
  #openEnd = 0;
  #openAt = 0;
  #openCount = 0;

  readonly #replies = new Map<number, (reply: ControlReply) => void>();
  readonly #answers = new Map<number, (error: string | null) => void>();
  #lastToken = 0;

  constructor(memory: PumpMemory, clock: Clock, requestFlush: () => void) {
    this.#publishes = new RingWriter(memory.publishes);
    this.#commands = new CommandWriter(memory.commands, requestFlush);
    this.deliveries = new RingReader(memory.deliveries);
    this.#bell = new Doorbell(memory.bell);
    this.#clock = clock;
    this.#requestFlush = requestFlush;
  }

  /**
   * Publishes messages. Returns false if the ring has no room: nothing was taken, and `onWritable` tells when to
   * retry. `token` is 0 unless an answer is requested (`nextAnswer`); `part` applies only then.
   */
  publish(
    topic: number,
    batch: MessageBatch,
    token: number,
    part: PublicationPart = WHOLE,
  ): boolean {
    if (this.#heldTopics.size > 0 && this.#heldTopics.has(topic)) return false;
    const { source, at, bytes, count, deferMs } = batch;
    const isPlain = deferMs === 0 && token === 0;
    if (!isPlain || topic !== this.#openTopic || this.#openAt + bytes > this.#openEnd) {
      this.#commitPublishes();
      const room = isPlain ? Math.max(bytes, PUBLISH_BATCH_BYTES) : bytes;
      if (!this.#openPublish(topic, room, deferMs, token, part, batch.isToDisk === true)) {
        this.#hasRefused = true;
        // It waits for room, which the pump would make later if it dozes.
        this.#bell.ring();
        return false;
      }
    }
    source.copy(this.#publishes.bytes, this.#openAt, at, at + bytes);
    this.#openAt += bytes;
    this.#openCount += count;
    if (!isPlain) {
      this.#commitPublishes();
      this.#isHurried = true;
    }
    this.#requestFlush();
    return true;
  }

  /** Most bytes of one `publish`. */
  get publishBytesMax(): number {
    return this.#publishes.lengthMax - PUBLISH_FIELD_BYTES;
  }

  /** Whether a command is certain to fit into the command ring; if not, `onCommandWritable` tells when. */
  hasCommandRoom(): boolean {
    return this.#commands.hasRoom();
  }

  /** Calls back once when publishes to the topic have room again. */
  onWritable(topic: number, listener: () => void): void {
    const listeners = this.#heldTopics.get(topic) ?? this.#writableListeners;
    listeners.push(listener);
  }

  /**
   * Holds a topic because too much of it is on its way to the disk, or releases it, which retries waiting publishes.
   */
  hold(topic: number, isHeld: boolean): void {
    const listeners = this.#heldTopics.get(topic) ?? [];
    if (isHeld) {
      this.#heldTopics.set(topic, listeners);
      return;
    }
    this.#heldTopics.delete(topic);
    if (listeners.length === 0) return;
    this.#writableListeners.push(...listeners);
    this.#requestFlush();
  }

  /** Calls back once when commands have room again, independent of publishes. */
  onCommandWritable(listener: () => void): void {
    this.#commandWritableListeners.push(listener);
  }

  finish(consumer: number, idHigh: number, idLow: number): void {
    this.#commands.finish(consumer, idHigh, idLow);
  }

  requeue(consumer: number, idHigh: number, idLow: number, delayMs: number): void {
    this.#commands.write(records.REQUEUE, [consumer, idHigh, idLow, delayMs], null);
  }

  touch(consumer: number, idHigh: number, idLow: number): void {
    this.#commands.write(records.TOUCH, [consumer, idHigh, idLow], null);
  }

  setReady(consumer: number, count: number): void {
    this.#commands.write(records.READY, [consumer, count], null);
  }

  credit(consumer: number, bytes: number): void {
    this.#commands.write(records.CREDIT, [consumer, bytes], null);
  }

  /** Reports the outcome of dead letters. */
  deadLettered(token: number, isKept: boolean): void {
    this.#commands.write(records.DEAD_LETTERED, [token, isKept ? 1 : 0], null);
  }

  /** Calls back when the pump has handled everything that was sent before on the command ring. */
  barrier(done: () => void): void {
    this.#commands.write(records.BARRIER, [this.nextAnswer(done)], null);
  }

  /** A token for a publish; `done` is called with null when it is kept, or with the reason why not. */
  nextAnswer(done: (error: string | null) => void): number {
    const token = this.#nextToken();
    this.#answers.set(token, done);
    return token;
  }

  /** Frees a token whose publish was not taken. */
  forgetAnswer(token: number): void {
    this.#answers.delete(token);
  }

  /** Sends a control request, which is executed after everything sent so far and before everything sent later. */
  request(request: ControlRequest): Promise<ControlReply> {
    this.#commitPublishes();
    this.#publish();
    const token = this.#nextToken();
    const bytes = encodeControl(request);
    for (let at = 0; at < bytes.length; at += CONTROL_BYTES_MAX) {
      const piece = bytes.subarray(at, at + CONTROL_BYTES_MAX);
      const hasMore = at + piece.length < bytes.length ? 1 : 0;
      this.#commands.write(records.CONTROL, [this.#publishes.position, token, hasMore], piece);
    }
    // Later publishes may become visible at any time, so this must be visible before.
    this.#publish();
    return new Promise((resolve) => this.#replies.set(token, resolve));
  }

  /** Asks the pump to write everything to disk and to end. All callers get the same reply. */
  close(): Promise<ControlReply> {
    this.#closing ??= this.request({ do: 'close' });
    return this.#closing;
  }

  /** Makes everything visible to the pump, and wakes it, unless it only dozes and nothing is urgent. */
  flush(): void {
    this.#commitPublishes();
    this.#commands.writeWaiting();
    this.#publish();
    if (!this.#isBellDue) return;
    this.#isBellDue = false;
    const { position } = this.#publishes;
    const isHurried =
      this.#isHurried || (position - this.#hurriedPosition) >>> 0 > UNHURRIED_BYTES_MAX;
    if (!isHurried) {
      this.#bell.nudge();
      return;
    }
    this.#isHurried = false;
    this.#hurriedPosition = position;
    this.#bell.ring();
  }

  /** Wakes the pump because the deliver ring has room again. */
  ring(): void {
    this.#bell.ring();
  }

  /**
   * Retries waiting publishes and commands, in order, while there is room; for the rest, the pump rings main's bell
   * when it releases room. Returns whether any continued.
   */
  notifyWritable(): boolean {
    let hasNotified = this.#commands.writeWaiting();
    // The flush of the next turn publishes what is written here.
    if (hasNotified) this.#requestFlush();
    if (this.#commandWritableListeners.length > 0 && this.hasCommandRoom()) {
      const listeners = this.#commandWritableListeners;
      this.#commandWritableListeners = [];
      for (const listener of listeners) listener();
      hasNotified = true;
    }
    if (this.#writableListeners.length > 0 && this.#hasPublishRoom()) {
      this.#notifyPublishWritable();
      hasNotified = true;
    }
    return hasNotified;
  }

  /** The pump has answered a publish or a barrier. */
  onAnswer(token: number, error: string | null): void {
    const answer = this.#answers.get(token);
    assert(answer !== undefined, 'the pump answers what was asked');
    this.#answers.delete(token);
    answer(error);
  }

  /** The pump has replied to a control request. */
  onReply(token: number, reply: ControlReply): void {
    const resolve = this.#replies.get(token);
    assert(resolve !== undefined, 'the pump replies to what was asked');
    this.#replies.delete(token);
    resolve(reply);
  }

  /** Whether the publish that was refused last would fit now. */
  #hasPublishRoom(): boolean {
    if (!this.hasCommandRoom()) return false;
    return this.#wantedBytes === 0 || this.#hasRoomFor(this.#wantedBytes);
  }

  /** Whether a record with this payload fits, including padding and the room that large ones leave free. */
  #hasRoomFor(payloadBytes: number): boolean {
    const { capacity, position } = this.#publishes;
    const needed = recordBytes(payloadBytes);
    const toEnd = capacity - (position & (capacity - 1));
    const room = needed <= toEnd ? needed : toEnd + needed;
    const isSmall = payloadBytes <= SMALL_BYTES;
    if (isSmall) return this.#publishes.hasRoomFor(room);
    const withSmall = Math.max(room + capacity * SMALL_SHARE, capacity - LARGE_AHEAD_BYTES);
    // The largest need all the room of an empty ring.
    return this.#publishes.hasRoomFor(Math.min(capacity, withSmall));
  }

  #notifyPublishWritable(): void {
    const listeners = this.#writableListeners;
    this.#writableListeners = [];
    this.#wantedBytes = 0;
    this.#hasRefused = false;
    this.#isNotifying = true;
    let count = 0;
    while (count < listeners.length && !this.#hasRefused) listeners[count++]();
    this.#isNotifying = false;
    // A listener that was called and needs more room has registered again and keeps its place.
    this.#writableListeners.push(...listeners.slice(count));
  }

  /** Publishes committed records, publishes before commands; `flush` rings the bell. */
  #publish(): void {
    if (this.#publishes.publish()) this.#isBellDue = true;
    if (!this.#commands.publish()) return;
    this.#isBellDue = true;
    this.#isHurried = true;
  }

  #nextToken(): number {
    this.#lastToken = (this.#lastToken + 1) >>> 0;
    // 0 means that no answer is requested; tokens wrap after 2^32 requests, long after their answers.
    if (this.#lastToken === 0) this.#lastToken = 1;
    return this.#lastToken;
  }

  #openPublish(
    topic: number,
    bytes: number,
    deferMs: number,
    token: number,
    part: PublicationPart,
    isToDisk: boolean,
  ): boolean {
    // Nothing may overtake a request that waits for room.
    if (this.#commands.hasWaiting) return false;
    const ring = this.#publishes;
    const payloadBytes = PUBLISH_FIELD_BYTES + bytes;
    // Large ones must not overtake waiting ones, or the largest would never find room.
    const isBehind =
      payloadBytes > SMALL_BYTES && this.#writableListeners.length > 0 && !this.#isNotifying;
    const mayClaim = !isBehind && this.#hasRoomFor(payloadBytes);
    const offset = mayClaim ? ring.claim(payloadBytes) : FULL;
    if (offset === FULL) {
      this.#wantedBytes = Math.max(this.#wantedBytes, payloadBytes);
      return false;
    }
    const timestamp = this.#clock.unixNs();
    const word = offset >>> 2;
    ring.words[word + records.PUBLISH_TOPIC] = topic;
    ring.words[word + records.PUBLISH_TOKEN] = token;
    ring.words[word + records.PUBLISH_DEFER_MS] = deferMs;
    ring.words[word + records.PUBLISH_FIRST] = part.first;
    ring.words[word + records.PUBLISH_FOLLOWING_COUNT] = part.followingCount;
    ring.words[word + records.PUBLISH_FOLLOWING_BYTES] = part.followingBytes;
    ring.words[word + records.PUBLISH_TO_DISK] = isToDisk ? 1 : 0;
    ring.words[word + records.PUBLISH_TIMESTAMP] = Number(timestamp >> 32n);
    ring.words[word + records.PUBLISH_TIMESTAMP + 1] = Number(timestamp & 0xffffffffn);
    this.#openTopic = topic;
    this.#openOffset = offset;
    this.#openAt = offset + PUBLISH_FIELD_BYTES;
    this.#openEnd = this.#openAt + bytes;
    this.#openCount = 0;
    return true;
  }

  #commitPublishes(): void {
    if (this.#openOffset === FULL) return;
    const ring = this.#publishes;
    ring.words[(this.#openOffset >>> 2) + records.PUBLISH_COUNT] = this.#openCount;
    ring.commit(records.PUBLISH, this.#openAt - this.#openOffset);
    this.#openOffset = FULL;
    this.#openTopic = 0;
  }
}
