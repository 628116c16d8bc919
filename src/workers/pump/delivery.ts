/**
 * Sends messages of a channel's queue to one of its consumers. It writes frames directly into the deliver ring, many to
 * a record, and each message is in flight from then on.
 *
 * Thread: pump.
 */

import {
  FRAMES,
  FRAMES_CONSUMER,
  FRAMES_COUNT,
  FRAMES_WORDS,
  fieldBytes,
} from '../../shared/records.ts';
import { FULL, type RingWriter } from '../../shared/ring/ring.ts';
import type { Consumer } from './consumer.ts';
import type { InFlight } from './in-flight.ts';
import type { MessageQueue } from './message-queue.ts';
import type { PumpMeter } from './pump-meter.ts';
import type { MessageStore } from './store/message-store.ts';
import { NO_ROOM } from './store/slab.ts';

/** Bytes of frames in one record, unless a single frame is larger. */
const BATCH_BYTES = 64 * 1024;
const FIELD_BYTES = fieldBytes(FRAMES_WORDS);

/**
 * While main has more than this to read, a channel sends one record per turn, which limits what is ahead of another
 * channel's record.
 */
const AHEAD_BYTES = 1024 * 1024;

/** Result of `send` if the deliver ring has no room. */
export const BLOCKED = -1;
/** Result of a channel that has sent something and leaves the remaining room in the deliver ring to others. */
export const YIELDED = -2;

export class Delivery {
  /** How many of the messages that left the queue in the last `send` came from memory. */
  fromMemory = 0;

  readonly #store: MessageStore;
  readonly #inFlight: InFlight;
  readonly #ring: RingWriter;
  readonly #meter: PumpMeter;
  /** Random number from 0 to 1, for sampling. */
  readonly #random: () => number;

  constructor(
    store: MessageStore,
    inFlight: InFlight,
    ring: RingWriter,
    meter: PumpMeter,
    random: () => number,
  ) {
    this.#store = store;
    this.#inFlight = inFlight;
    this.#ring = ring;
    this.#meter = meter;
    this.#random = random;
  }

  /** Whether a channel may send more than one record in this turn. If not, main rings after it has read some. */
  get maySendMore(): boolean {
    return this.#ring.hasRoomFor(this.#ring.capacity - AHEAD_BYTES);
  }

  /**
   * Sends up to `limit` messages from the front of the queue, which must not be empty.
   *
   * Returns how many messages left the queue, or BLOCKED. With sampling, fewer may have been sent.
   */
  send(consumer: Consumer, queue: MessageQueue, limit: number, nowMs: number): number {
    const ring = this.#ring;
    const largest = Math.min(BATCH_BYTES, Math.max(0, consumer.windowBytes));
    const wanted = Math.max(largest, this.#store.frameBytes(queue.position));
    const offset = ring.claim(FIELD_BYTES + wanted);
    if (offset === FULL) return BLOCKED;
    const start = offset + FIELD_BYTES;
    const end = start + wanted;
    const sentBefore = consumer.inFlightCount;
    let at = start;
    let taken = 0;
    this.fromMemory = 0;
    while (taken < limit && queue.look()) {
      const count = Math.min(queue.runCount, limit - taken);
      const runEnd = this.#writeRun(consumer, queue, count, at, end, nowMs);
      const written = this.#written;
      if (written === 0) break;
      this.#meter.onSent(this.#store, queue.position, written, written - this.#sampledOut.length);
      if (!queue.isFromBackend) this.fromMemory += written;
      queue.take(written);
      this.#dropSampledOut(queue);
      at = runEnd;
      taken += written;
      if (written < count) break;
    }
    const sent = consumer.inFlightCount - sentBefore;
    if (sent === 0) {
      ring.abandon();
      return taken;
    }
    ring.words[(offset >>> 2) + FRAMES_CONSUMER] = consumer.number;
    ring.words[(offset >>> 2) + FRAMES_COUNT] = sent;
    ring.commit(FRAMES, at - offset);
    consumer.windowBytes -= at - start;
    queue.outsideBytes += at - start;
    consumer.messageCount += sent;
    return taken;
  }

  /** Messages that the last `#writeRun` took from its run, and which of them sampling dropped. */
  #written = 0;
  #sampledOut: number[] = [];

  /** Writes the first `count` messages of the queue's run, while they fit. Returns the offset after them. */
  #writeRun(
    consumer: Consumer,
    queue: MessageQueue,
    count: number,
    from: number,
    end: number,
    nowMs: number,
  ): number {
    const store = this.#store;
    const target = this.#ring.bytes;
    const { position: first, tag } = queue;
    let at = from;
    let written = 0;
    while (written < count) {
      const position = first + written;
      if (consumer.sampleRate > 0 && this.#isSampledOut(consumer)) {
        this.#sampledOut.push(position);
        written++;
        continue;
      }
      const next = store.writeFrame(position, tag, target, at, end);
      if (next === NO_ROOM) break;
      const attempts = store.attemptsWritten;
      const { idHigh, idLow } = store;
      this.#inFlight.add(consumer, position, attempts, idHigh, idLow, nowMs, next - at);
      at = next;
      written++;
    }
    this.#written = written;
    return at;
  }

  #dropSampledOut(queue: MessageQueue): void {
    if (this.#sampledOut.length === 0) return;
    for (const position of this.#sampledOut) queue.drop(position, 1);
    this.#sampledOut = [];
  }

  /** As in nsqd, a message is sent if a random number from 0 to 99 does not exceed the rate. */
  #isSampledOut(consumer: Consumer): boolean {
    return Math.floor(this.#random() * 100) > consumer.sampleRate;
  }
}
