/**
 * Main's reading end of the deliver ring, for tests of the pump: records as plain values.
 *
 * Thread: any.
 */

import {
  type ControlReply,
  type DeadLetterHead,
  decodeControl,
  type PumpEvent,
} from '../../src/shared/control.ts';
import * as records from '../../src/shared/records.ts';
import { EMPTY, RingReader, RingWriter } from '../../src/shared/ring/ring.ts';
import { type FrameMessage, idText, parseFrames, parseRecords } from './message-bytes.ts';

/** A message that goes to another topic. */
export type DeadLetter = Pick<FrameMessage, 'id' | 'attempts' | 'body'>;

/** The records that main receives from a pump. */
export type Heard =
  | { readonly frames: readonly FrameMessage[]; readonly consumer: number; readonly bytes: number }
  | {
      readonly refused: string;
      readonly consumer: number;
      readonly command: string;
      readonly reason: string;
    }
  | { readonly answer: number; readonly error: string | null }
  | { readonly hold: number; readonly isHeld: boolean }
  | { readonly deadLetters: number; readonly head: DeadLetterHead; readonly letters: DeadLetter[] }
  | ({ readonly reply: number } & ControlReply)
  | PumpEvent;

const COMMAND_NAMES = new Map([
  [records.FINISH, 'FIN'],
  [records.REQUEUE, 'REQ'],
  [records.TOUCH, 'TOUCH'],
]);

export class DeliverySide {
  /** The pump's end. */
  readonly producer: RingWriter;
  /** Records read so far. */
  recordCount = 0;
  readonly #consumer: RingReader;
  #pieces: Buffer[] = [];

  constructor(memory: SharedArrayBuffer) {
    this.producer = new RingWriter(memory);
    this.#consumer = new RingReader(memory);
  }

  /** Reads everything that was published, and returns it; the pieces of a reply are joined. */
  take(): Heard[] {
    const heard: Heard[] = [];
    this.#consumer.look();
    for (let type = this.#consumer.front(); type !== EMPTY; type = this.#consumer.front()) {
      this.recordCount++;
      const value = this.#read(type);
      if (value !== null) heard.push(value);
      this.#consumer.pop();
    }
    this.#consumer.release();
    return heard;
  }

  #read(type: number): Heard | null {
    const { words, offset } = this.#consumer;
    const field = (index: number): number => words[(offset >>> 2) + index];
    switch (type) {
      case records.FRAMES: {
        const bytes = this.#bytesBehind(records.FRAMES_WORDS);
        const frames = parseFrames(bytes);
        if (frames.length !== field(records.FRAMES_COUNT)) {
          throw new Error('the count of a FRAMES record is not that of its frames');
        }
        return { frames, consumer: field(records.FRAMES_CONSUMER), bytes: bytes.length };
      }
      case records.REFUSED:
        return {
          refused: idText(field(records.REFUSED_ID), field(records.REFUSED_ID + 1)),
          consumer: field(records.REFUSED_CONSUMER),
          command: COMMAND_NAMES.get(field(records.REFUSED_COMMAND)) ?? 'unknown',
          reason:
            field(records.REFUSED_REASON) === records.REFUSED_NOT_OWNER ? 'not owner' : 'not found',
        };
      case records.ANSWER: {
        const text = this.#bytesBehind(records.ANSWER_WORDS).toString();
        const isOk = field(records.ANSWER_OK) === 1;
        return { answer: field(records.ANSWER_TOKEN), error: isOk ? null : text };
      }
      case records.REPLY: {
        this.#pieces.push(this.#bytesBehind(records.REPLY_WORDS));
        if (field(records.REPLY_MORE) === 1) return null;
        const bytes = Buffer.concat(this.#pieces);
        this.#pieces = [];
        return { reply: field(records.REPLY_TOKEN), ...decodeControl<ControlReply>(bytes) };
      }
      case records.HOLD:
        return { hold: field(records.HOLD_TOPIC), isHeld: field(records.HOLD_ON) === 1 };
      case records.DEAD_LETTERS: {
        const headBytes = field(records.DEAD_LETTERS_HEAD_BYTES);
        const bytes = this.#bytesBehind(records.DEAD_LETTERS_WORDS);
        const letters = parseRecords(bytes.subarray(headBytes));
        if (letters.length !== field(records.DEAD_LETTERS_COUNT)) {
          throw new Error('the count of a DEAD_LETTERS record is not that of its messages');
        }
        const head = decodeControl<DeadLetterHead>(bytes.subarray(0, headBytes));
        return { deadLetters: field(records.DEAD_LETTERS_TOKEN), head, letters };
      }
      case records.EVENT:
        return decodeControl<PumpEvent>(this.#bytesBehind(0));
      default:
        throw new Error(`a pump sends no records of type ${type}`);
    }
  }

  /** A copy of the bytes after the fields. */
  #bytesBehind(fieldWords: number): Buffer {
    const { bytes, offset, length } = this.#consumer;
    return Buffer.from(bytes.subarray(offset + fieldWords * 4, offset + length));
  }
}
