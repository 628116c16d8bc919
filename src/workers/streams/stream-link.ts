/**
 * The stream thread's end of the two rings to one pump thread. The store answers at any time, so answers wait here for
 * room in the ring, in order.
 *
 * Bound: an answer for each request of the pump; the messages that its pulls asked for.
 * Thread: stream.
 */

import { assert } from '../../shared/assert.ts';
import { encodeControl, type PumpEvent } from '../../shared/control.ts';
import { MESSAGE_HEADER_BYTES, MESSAGE_ID_BYTES, SIZE_BYTES } from '../../shared/limits.ts';
import type { Doorbell } from '../../shared/ring/doorbell.ts';
import { FULL, type RingReader, type RingWriter } from '../../shared/ring/ring.ts';
import {
  ANSWER_DEFERRED,
  ANSWER_OK,
  ANSWER_UNREAD,
  ANSWER_WORDS,
  QUEUE,
  RECORDS,
  RECORDS_COUNT,
  RECORDS_FIRST,
  RECORDS_HAS_DUE,
  RECORDS_WORDS,
  STATUS,
  STATUS_LEVEL,
  STATUS_WORDS,
} from '../disk-records.ts';
import { FIGURES, FIGURES_MESSAGES, FIGURES_WORDS, NEWS } from '../stream-records.ts';
import type { StoredMessage } from './stream-store.ts';

/** The level of a warning in STATUS. */
export const LOG_WARNING = 3;
/** Bytes of messages in one answer, unless a single one is larger. */
const RECORDS_BYTES_MAX = 256 * 1024;
const TEXT_BYTES_MAX = 1024;
const HEADER_BYTES = SIZE_BYTES + MESSAGE_HEADER_BYTES;
const TIMESTAMP_BYTES = 8;
const ATTEMPTS_BYTES = 2;
const ATTEMPTS_MAX = 65_535;

/** The figures of a queue, as in its answers. */
export type QueueFigures = { unread: number; elsewhere: number; messages: number };

/** The figures in answers that belong to no queue. */
export const NO_FIGURES: QueueFigures = { unread: 0, elsewhere: 0, messages: 0 };

/** The queue that an answer is for. */
export interface AnsweredQueue {
  readonly number: number;
  readonly figures: QueueFigures;
}

type Answer =
  | { kind: 'plain'; type: number; queue: AnsweredQueue; error: string | null }
  | { kind: 'records'; queue: AnsweredQueue; first: number; messages: StoredMessage[] }
  | { kind: 'news'; event: PumpEvent }
  | { kind: 'status'; level: number; text: string };

/** The ends of the rings, and the bell of the thread at the other end. */
export type StreamLinkOptions = {
  readonly requests: RingReader;
  readonly replies: RingWriter;
  readonly bell: Doorbell;
};

export class StreamLink {
  /** Whether the pump has sent END. */
  hasEnded = false;

  readonly requests: RingReader;
  readonly #replies: RingWriter;
  readonly #bell: Doorbell;
  #answers: Answer[] = [];

  constructor(options: StreamLinkOptions) {
    this.requests = options.requests;
    this.#replies = options.replies;
    this.#bell = options.bell;
  }

  answer(queue: AnsweredQueue, type: number, error: string | null): void {
    this.#answers.push({ kind: 'plain', type, queue, error });
  }

  /** Hands over a message under this number; numbers of one queue follow each other. */
  hand(queue: AnsweredQueue, number: number, message: StoredMessage): void {
    const last = this.#answers.at(-1);
    if (last?.kind === 'records' && last.queue === queue) last.messages.push(message);
    else this.#answers.push({ kind: 'records', queue, first: number, messages: [message] });
  }

  tell(event: PumpEvent): void {
    this.#answers.push({ kind: 'news', event });
  }

  log(level: number, text: string): void {
    this.#answers.push({ kind: 'status', level, text });
  }

  /** Drops messages that were not handed over yet, because their queue returns or has dropped them. */
  drop(queue: AnsweredQueue): void {
    this.#answers = this.#answers.filter((next) => next.kind !== 'records' || next.queue !== queue);
  }

  /** Writes answers while there is room, and rings the pump. Returns how many are written. */
  flush(): number {
    let written = 0;
    while (written < this.#answers.length && this.#write(this.#answers[written])) written++;
    if (written > 0) this.#answers.splice(0, written);
    const hasNews = this.#replies.publish();
    if (this.requests.release() || hasNews) this.#bell.ring();
    return written;
  }

  /** Whether answers wait for room. */
  get isBlocked(): boolean {
    return this.#answers.length > 0;
  }

  #write(answer: Answer): boolean {
    switch (answer.kind) {
      case 'plain':
        return this.#writePlain(answer.type, answer.queue, answer.error);
      case 'records':
        return this.#writeRecords(answer);
      case 'news':
        return this.#writeBytes(NEWS, 0, encodeControl(answer.event));
      case 'status':
        return this.#writeBytes(
          STATUS,
          answer.level,
          Buffer.from(answer.text).subarray(0, TEXT_BYTES_MAX),
        );
    }
  }

  #writePlain(type: number, queue: AnsweredQueue, error: string | null): boolean {
    const text = Buffer.from(error ?? '').subarray(0, TEXT_BYTES_MAX);
    const words = type === FIGURES ? FIGURES_WORDS : ANSWER_WORDS;
    const offset = this.#replies.claim(words * 4 + text.length);
    if (offset === FULL) return false;
    this.#writeFigures(offset >>> 2, queue, error === null);
    if (type === FIGURES)
      this.#writeWide((offset >>> 2) + FIGURES_MESSAGES, queue.figures.messages);
    this.#replies.bytes.set(text, offset + words * 4);
    this.#replies.commit(type, words * 4 + text.length);
    return true;
  }

  #writeBytes(type: typeof NEWS | typeof STATUS, level: number, bytes: Uint8Array): boolean {
    const words = type === STATUS ? STATUS_WORDS : 0;
    const offset = this.#replies.claim(words * 4 + bytes.length);
    if (offset === FULL) return false;
    if (type === STATUS) this.#replies.words[(offset >>> 2) + STATUS_LEVEL] = level;
    this.#replies.bytes.set(bytes, offset + words * 4);
    this.#replies.commit(type, words * 4 + bytes.length);
    return true;
  }

  /** Writes all messages of an answer, in as many records as needed. Returns false if the ring has no room for all. */
  #writeRecords(answer: Extract<Answer, { kind: 'records' }>): boolean {
    const { queue, messages } = answer;
    while (messages.length > 0) {
      let count = 0;
      let bytes = 0;
      for (const { body } of messages) {
        const more = HEADER_BYTES + body.length;
        if (count > 0 && bytes + more > RECORDS_BYTES_MAX) break;
        bytes += more;
        count++;
      }
      const offset = this.#replies.claim(RECORDS_WORDS * 4 + bytes);
      if (offset === FULL) return false;
      const at = offset >>> 2;
      this.#writeFigures(at, queue, true);
      this.#replies.words[at + RECORDS_COUNT] = count;
      this.#replies.words[at + RECORDS_FIRST] = answer.first;
      this.#replies.words[at + RECORDS_HAS_DUE] = 0;
      let end = offset + RECORDS_WORDS * 4;
      for (let i = 0; i < count; i++) end = writeRecord(messages[i], this.#replies.bytes, end);
      assert(
        end === offset + RECORDS_WORDS * 4 + bytes,
        'records have the bytes that were claimed',
      );
      this.#replies.commit(RECORDS, end - offset);
      messages.splice(0, count);
      answer.first = (answer.first + count) >>> 0;
    }
    return true;
  }

  #writeFigures(at: number, { number, figures }: AnsweredQueue, isOk: boolean): void {
    const { words } = this.#replies;
    words.fill(0, at, at + ANSWER_WORDS);
    words[at + QUEUE] = number;
    words[at + ANSWER_OK] = isOk ? 1 : 0;
    this.#writeWide(at + ANSWER_UNREAD, figures.unread);
    words[at + ANSWER_DEFERRED] = figures.elsewhere;
  }

  #writeWide(word: number, value: number): void {
    this.#replies.words[word] = Math.floor(value / 2 ** 32);
    this.#replies.words[word + 1] = value % 2 ** 32;
  }
}

/** Writes a message as a disk record. Returns the offset after it. Shape: its id is its place in the topic, in hex. */
function writeRecord(message: StoredMessage, target: Buffer, from: number): number {
  const { body, deliveries, sequence, timestampNs } = message;
  let at = target.writeUInt32BE(MESSAGE_HEADER_BYTES + body.length, from);
  target.writeBigUInt64BE(timestampNs, at);
  at += TIMESTAMP_BYTES;
  // The pump counts the delivery that follows.
  target.writeUInt16BE(Math.min(deliveries - 1, ATTEMPTS_MAX), at);
  at += ATTEMPTS_BYTES;
  target.write(sequence.toString(16).padStart(MESSAGE_ID_BYTES, '0'), at, 'latin1');
  at += MESSAGE_ID_BYTES;
  target.set(body, at);
  return at + body.length;
}
