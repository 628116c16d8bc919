/**
 * Writes the requests of one replicated topic or channel into the request ring that disk queues do not have. Each
 * method returns false if the ring is full; it has then written nothing.
 *
 * Thread: pump.
 */

import {
  encodeControl,
  type SharedPolicy,
  type StartedChannel,
  type StreamName,
} from '../../../shared/control.ts';
import { FULL, type RingWriter } from '../../../shared/ring/ring.ts';
import { QUEUE, QUEUE_WORDS } from '../../disk-records.ts';
import {
  OPEN_STREAM,
  PAUSE,
  PAUSE_ON,
  PAUSE_WORDS,
  PULL,
  PULL_BYTES,
  PULL_COUNT,
  PULL_WORDS,
  REST,
  SHARE,
  START,
} from '../../stream-records.ts';

export class StreamRequests {
  readonly #ring: RingWriter;
  readonly #queue: number;

  constructor(ring: RingWriter, queue: number) {
    this.#ring = ring;
    this.#queue = queue;
  }

  open(name: StreamName): boolean {
    return this.#encoded(OPEN_STREAM, encodeControl(name));
  }

  /** Of a topic: creates a channel that starts with the kept messages. */
  start(channel: StartedChannel): boolean {
    return this.#encoded(START, encodeControl(channel));
  }

  /** Units: `bytes` of messages, unless a single one is larger. */
  pull(count: number, bytes: number): boolean {
    const at = this.#claim(PULL_WORDS * 4);
    if (at === FULL) return false;
    this.#ring.words[at + PULL_COUNT] = count;
    this.#ring.words[at + PULL_BYTES] = bytes;
    this.#ring.commit(PULL, PULL_WORDS * 4);
    return true;
  }

  rest(): boolean {
    if (this.#claim(QUEUE_WORDS * 4) === FULL) return false;
    this.#ring.commit(REST, QUEUE_WORDS * 4);
    return true;
  }

  pause(isPaused: boolean): boolean {
    const at = this.#claim(PAUSE_WORDS * 4);
    if (at === FULL) return false;
    this.#ring.words[at + PAUSE_ON] = isPaused ? 1 : 0;
    this.#ring.commit(PAUSE, PAUSE_WORDS * 4);
    return true;
  }

  share(policy: SharedPolicy): boolean {
    return this.#encoded(SHARE, encodeControl(policy));
  }

  #encoded(type: typeof OPEN_STREAM | typeof START | typeof SHARE, bytes: Uint8Array): boolean {
    const at = this.#claim(QUEUE_WORDS * 4 + bytes.length);
    if (at === FULL) return false;
    this.#ring.bytes.set(bytes, (at + QUEUE_WORDS) * 4);
    this.#ring.commit(type, QUEUE_WORDS * 4 + bytes.length);
    return true;
  }

  /** Reserves room, and writes the queue. Returns the index of the first word, or FULL. */
  #claim(bytes: number): number {
    const offset = this.#ring.claim(bytes);
    if (offset === FULL) return FULL;
    this.#ring.words[(offset >>> 2) + QUEUE] = this.#queue;
    return offset >>> 2;
  }
}
