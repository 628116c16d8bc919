/**
 * The pump's writing end of the deliver ring: everything that a pump sends to main.
 *
 * Message frames are written only if the ring has room; answers, refusals, replies and events are always accepted, if
 * necessary into a list in front of the ring, and keep their order.
 *
 * Bound: the list holds the output of one turn; while it `isBacklogged` the pump takes no further commands.
 * Thread: pump.
 */

import { type ControlReply, encodeControl, type PumpEvent } from '../../shared/control.ts';
import { CONTROL_BYTES_MAX } from '../../shared/limits.ts';
import {
  ANSWER,
  ANSWER_OK,
  ANSWER_TOKEN,
  ANSWER_WORDS,
  EVENT,
  HOLD,
  HOLD_ON,
  HOLD_TOPIC,
  HOLD_WORDS,
  REFUSED,
  REFUSED_COMMAND,
  REFUSED_CONSUMER,
  REFUSED_ID,
  REFUSED_REASON,
  REFUSED_WORDS,
  REPLY,
  REPLY_MORE,
  REPLY_TOKEN,
  REPLY_WORDS,
} from '../../shared/records.ts';
import { FULL, type RingWriter } from '../../shared/ring/ring.ts';

const NO_BYTES = Buffer.alloc(0);
/** Error texts are cut to this many bytes; the log has the full text. */
const ERROR_TEXT_BYTES_MAX = 1024;

type WaitingRecord = { type: number; fields: number[]; bytes: Buffer };

export class Outbox {
  readonly ring: RingWriter;

  #waiting: WaitingRecord[] = [];

  constructor(ring: RingWriter) {
    this.ring = ring;
  }

  /** Whether records wait for room in the ring. */
  get isBacklogged(): boolean {
    return this.#waiting.length > 0;
  }

  /** A FIN, REQ or TOUCH failed. */
  refuse(consumer: number, command: number, reason: number, idHigh: number, idLow: number): void {
    const fields = new Array<number>(REFUSED_WORDS);
    fields[REFUSED_CONSUMER] = consumer;
    fields[REFUSED_COMMAND] = command;
    fields[REFUSED_REASON] = reason;
    fields[REFUSED_ID] = idHigh;
    fields[REFUSED_ID + 1] = idLow;
    this.#write({ type: REFUSED, fields, bytes: NO_BYTES });
  }

  /** Answers a publish or a barrier; `error` is the reason why a publish is not kept. */
  answer(token: number, error: string | null): void {
    const fields = new Array<number>(ANSWER_WORDS);
    fields[ANSWER_TOKEN] = token;
    fields[ANSWER_OK] = error === null ? 1 : 0;
    const bytes = error === null ? NO_BYTES : Buffer.from(error).subarray(0, ERROR_TEXT_BYTES_MAX);
    this.#write({ type: ANSWER, fields, bytes });
  }

  /** Replies to a control request, in as many pieces as needed. */
  reply(token: number, reply: ControlReply): void {
    const bytes = encodeControl(reply);
    for (let at = 0; at < bytes.length; at += CONTROL_BYTES_MAX) {
      const piece = bytes.subarray(at, at + CONTROL_BYTES_MAX);
      const fields = new Array<number>(REPLY_WORDS);
      fields[REPLY_TOKEN] = token;
      fields[REPLY_MORE] = at + piece.length < bytes.length ? 1 : 0;
      this.#write({ type: REPLY, fields, bytes: piece });
    }
  }

  /** Tells main to stop or to resume publishes to a topic. */
  hold(topic: number, isHeld: boolean): void {
    const fields = new Array<number>(HOLD_WORDS);
    fields[HOLD_TOPIC] = topic;
    fields[HOLD_ON] = isHeld ? 1 : 0;
    this.#write({ type: HOLD, fields, bytes: NO_BYTES });
  }

  tell(event: PumpEvent): void {
    this.#write({ type: EVENT, fields: [], bytes: encodeControl(event) });
  }

  /** Writes waiting records while there is room. */
  flush(): void {
    let written = 0;
    while (written < this.#waiting.length && this.#tryWrite(this.#waiting[written])) written++;
    if (written > 0) this.#waiting = this.#waiting.slice(written);
  }

  #write(record: WaitingRecord): void {
    if (this.#waiting.length > 0 || !this.#tryWrite(record)) this.#waiting.push(record);
  }

  #tryWrite({ type, fields, bytes }: WaitingRecord): boolean {
    const { ring } = this;
    const length = fields.length * 4 + bytes.length;
    const offset = ring.claim(length);
    if (offset === FULL) return false;
    ring.words.set(fields, offset >>> 2);
    ring.bytes.set(bytes, offset + fields.length * 4);
    ring.commit(type, length);
    return true;
  }
}
