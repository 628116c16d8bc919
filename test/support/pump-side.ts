/**
 * The pump's ends of the rings to a disk thread, for tests of the loop: writes requests, collects answers.
 *
 * Thread: any.
 */

import { allocateDoorbell, Doorbell } from '../../src/shared/ring/doorbell.ts';
import { allocateRing, EMPTY, FULL, RingReader, RingWriter } from '../../src/shared/ring/ring.ts';
import type { PumpLinkOptions } from '../../src/workers/disk/pump-link.ts';
import * as wire from '../../src/workers/disk-records.ts';
import { diskRecord, parseRecords } from './disk-files.ts';

/** The part of an answer that tests compare. */
export interface DiskAnswer {
  readonly type: string;
  readonly queue: number;
  readonly isOk: boolean;
  readonly unread: number;
  readonly unreadBytes: number;
  readonly deferred: number;
  readonly text: string;
  /** Numbers of the messages in an answer with records. */
  readonly numbers: readonly number[];
  /** Number with which the first of these records was handed out. */
  readonly first: number;
  /** Numbers with which the records of a REREAD_DONE answer were handed out, and how many the answer covers. */
  readonly reread: readonly number[];
  readonly covered: number;
  readonly attempts: readonly number[];
  /** Due times of these records, empty if the answer has none. */
  readonly dueTimes: readonly number[];
}

const ANSWER_NAMES = new Map([
  [wire.OPENED, 'OPENED'],
  [wire.APPENDED, 'APPENDED'],
  [wire.RECORDS, 'RECORDS'],
  [wire.REREAD_DONE, 'REREAD_DONE'],
  [wire.EMPTIED, 'EMPTIED'],
  [wire.CLOSED, 'CLOSED'],
  [wire.DELETED, 'DELETED'],
  [wire.SYNCED, 'SYNCED'],
  [wire.WRITABLE, 'WRITABLE'],
]);

export class PumpSide {
  /** The loop's ends of the rings. */
  readonly link: PumpLinkOptions;
  /** Log lines from STATUS records, with their levels. */
  readonly log: string[] = [];
  /** The contents of COMMITTED records: how many, and `ok` or the reason. */
  readonly commits: string[] = [];
  readonly #requests: RingWriter;
  readonly #answers: RingReader;
  readonly #bell: Doorbell;

  constructor(requestBytes = 64 * 1024, replyBytes = 64 * 1024) {
    const requests = allocateRing(requestBytes);
    const replies = allocateRing(replyBytes);
    this.#requests = new RingWriter(requests);
    this.#answers = new RingReader(replies);
    this.#bell = new Doorbell(allocateDoorbell());
    // As if it always slept, so that every ring of its bell is counted.
    this.#bell.fallAsleep();
    this.link = {
      requests: new RingReader(requests),
      replies: new RingWriter(replies),
      bell: this.#bell,
    };
  }

  /** How often the loop has rung. */
  get rings(): number {
    return this.#bell.rings();
  }

  open(queue: number, name: string): void {
    const bytes = Buffer.from(name);
    this.#send(wire.OPEN, [queue], bytes);
  }

  /** Sends the messages with these numbers. Returns false if the ring is full. */
  append(queue: number, ...numbers: readonly number[]): boolean {
    const bytes = Buffer.concat(numbers.map((number) => diskRecord(number, `message ${number}`)));
    return this.#send(wire.APPEND, [queue, numbers.length, 0], bytes);
  }

  /** As `append`, for messages that must be on stable storage. */
  appendSynced(queue: number, ...numbers: readonly number[]): boolean {
    const bytes = Buffer.concat(numbers.map((number) => diskRecord(number, `message ${number}`)));
    return this.#send(wire.APPEND, [queue, numbers.length, wire.APPEND_IS_SYNCED], bytes);
  }

  /** Sends a message with this body. */
  appendBody(queue: number, body: string): boolean {
    return this.#send(wire.APPEND, [queue, 1, 0], diskRecord(1, body));
  }

  /** Sends messages by number and due time. */
  appendDeferred(queue: number, ...messages: readonly (readonly [number, number])[]): boolean {
    return this.#appendDeferred(queue, wire.APPEND_HAS_DUE, messages);
  }

  /** As `appendDeferred`, for messages that must be on stable storage. */
  appendDeferredSynced(
    queue: number,
    ...messages: readonly (readonly [number, number])[]
  ): boolean {
    return this.#appendDeferred(queue, wire.APPEND_HAS_DUE | wire.APPEND_IS_SYNCED, messages);
  }

  #appendDeferred(
    queue: number,
    flags: number,
    messages: readonly (readonly [number, number])[],
  ): boolean {
    const records = messages.map(([number]) => diskRecord(number, `message ${number}`));
    const bytes = Buffer.concat(records);
    const dueTimes = messages.flatMap(([, due]) => [Math.floor(due / 2 ** 32), due % 2 ** 32]);
    const padding = Buffer.alloc((4 - (bytes.length % 4)) % 4);
    const content = [bytes, padding, Buffer.from(new Uint32Array(dueTimes).buffer)];
    return this.#send(wire.APPEND, [queue, messages.length, flags], Buffer.concat(content));
  }

  /** Returns false if the ring is full. */
  read(queue: number, bytes = 4096): boolean {
    return this.#send(wire.READ, [queue, bytes]);
  }

  /** Requests records again, by runs of first number and count. */
  reread(queue: number, bytes: number, ...runs: readonly (readonly [number, number])[]): boolean {
    return this.#send(wire.REREAD, [queue, bytes, ...runs.flat()]);
  }

  /** Sends runs of first number and count. */
  finish(queue: number, ...runs: readonly (readonly [number, number])[]): boolean {
    return this.#send(wire.FINISH, [queue, ...runs.flat()]);
  }

  /** Sends updates of number, attempts and due time. */
  update(queue: number, ...updates: readonly (readonly [number, number, number])[]): boolean {
    const entries = updates.flatMap(([number, attempts, due]) => [
      ...[number, attempts, Math.floor(due / 2 ** 32), due % 2 ** 32],
    ]);
    return this.#send(wire.UPDATE, [queue, ...entries]);
  }

  empty(queue: number): void {
    this.#send(wire.EMPTY_QUEUE, [queue]);
  }

  close(queue: number): void {
    this.#send(wire.CLOSE, [queue]);
  }

  delete(queue: number): void {
    this.#send(wire.DELETE, [queue]);
  }

  end(): void {
    this.#send(wire.END, []);
  }

  /** Reads up to `most` answers. */
  take(most = Number.POSITIVE_INFINITY): DiskAnswer[] {
    const answers: DiskAnswer[] = [];
    this.#answers.look();
    while (answers.length < most) {
      const type = this.#answers.front();
      if (type === EMPTY) break;
      if (type === wire.STATUS) this.#takeStatus();
      else if (type === wire.COMMITTED) this.#takeCommitted();
      else answers.push(this.#answer(type));
      this.#answers.pop();
    }
    this.#answers.release();
    return answers;
  }

  #send(type: number, fields: readonly number[], bytes: Uint8Array = Buffer.alloc(0)): boolean {
    const length = fields.length * 4 + bytes.length;
    const offset = this.#requests.claim(length);
    if (offset === FULL) return false;
    for (const [index, field] of fields.entries()) {
      this.#requests.words[(offset >>> 2) + index] = field;
    }
    this.#requests.bytes.set(bytes, offset + fields.length * 4);
    this.#requests.commit(type, length);
    this.#requests.publish();
    return true;
  }

  #takeCommitted(): void {
    const { words, bytes, offset, length } = this.#answers;
    const at = offset >>> 2;
    const text = bytes.toString('utf8', offset + wire.COMMITTED_WORDS * 4, offset + length);
    const outcome = words[at + wire.COMMITTED_OK] === 1 ? 'ok' : text;
    this.commits.push(`${words[at + wire.COMMITTED_COUNT]} ${outcome}`);
  }

  #takeStatus(): void {
    const { words, bytes, offset, length } = this.#answers;
    const text = bytes.toString('utf8', offset + wire.STATUS_WORDS * 4, offset + length);
    this.log.push(`${words[(offset >>> 2) + wire.STATUS_LEVEL]} ${text}`);
  }

  #answer(type: number): DiskAnswer {
    const { words, offset, length } = this.#answers;
    const at = offset >>> 2;
    const isOk = words[at + wire.ANSWER_OK] === 1;
    const isForRecords = type === wire.RECORDS || type === wire.REREAD_DONE;
    const hasRecords = isForRecords && isOk;
    const fields = (isForRecords ? wire.RECORDS_WORDS : wire.ANSWER_WORDS) * 4;
    const count = hasRecords ? words[at + wire.RECORDS_COUNT] : 0;
    const hasDue = hasRecords && words[at + wire.RECORDS_HAS_DUE] === 1;
    const isReread = hasRecords && type === wire.REREAD_DONE;
    const trailerWords = isReread ? 1 : wire.DUE_WORDS;
    const trailerAt = offset + length - count * trailerWords * 4;
    const isPadded = hasDue || isReread;
    const end = isPadded ? trailerAt : offset + length;
    const rest = Buffer.from(this.#answers.bytes.subarray(offset + fields, end));
    const messages = hasRecords ? parseRecords(isPadded ? withoutPadding(rest, count) : rest) : [];
    if (hasRecords && messages.length !== count) {
      throw new Error('the count of an answer is not that of its records');
    }
    return {
      type: ANSWER_NAMES.get(type) ?? String(type),
      queue: words[at + wire.QUEUE],
      isOk,
      unread: this.#number(at + wire.ANSWER_UNREAD),
      unreadBytes: this.#number(at + wire.ANSWER_UNREAD_BYTES),
      deferred: words[at + wire.ANSWER_DEFERRED],
      text: isOk ? '' : rest.toString(),
      numbers: messages.map((message) => Number.parseInt(message.id, 16)),
      first: hasRecords ? words[at + wire.RECORDS_FIRST] : 0,
      covered: isReread ? words[at + wire.REREAD_DONE_COVERED] : 0,
      reread: isReread ? [...words.subarray(trailerAt >>> 2, (trailerAt >>> 2) + count)] : [],
      attempts: messages.map((message) => message.attempts),
      dueTimes: hasDue
        ? messages.map((_, index) => this.#number((trailerAt >>> 2) + index * wire.DUE_WORDS))
        : [],
    };
  }

  #number(at: number): number {
    return this.#answers.words[at] * 2 ** 32 + this.#answers.words[at + 1];
  }
}

/** This many records, without the bytes after them. */
function withoutPadding(bytes: Buffer, count: number): Buffer {
  let at = 0;
  for (let index = 0; index < count; index++) at += 4 + bytes.readInt32BE(at);
  return bytes.subarray(0, at);
}
