/**
 * The disk thread's half of the rings to a pump, for tests of the pump: takes requests, writes the answers that
 * the test wants.
 *
 * Thread: any.
 */

import { EMPTY, RingConsumer } from '../../src/shared/ring/consumer.ts';
import { allocateDoorbell, Doorbell } from '../../src/shared/ring/doorbell.ts';
import { allocateRing } from '../../src/shared/ring/layout.ts';
import { FULL, RingProducer } from '../../src/shared/ring/producer.ts';
import * as wire from '../../src/workers/disk-records.ts';
import { type DiskMessage, parseRecords } from './disk-files.ts';

const REQUEST_NAMES = new Map([
  [wire.OPEN, 'OPEN'],
  [wire.APPEND, 'APPEND'],
  [wire.READ, 'READ'],
  [wire.RELEASE, 'RELEASE'],
  [wire.EMPTY_QUEUE, 'EMPTY_QUEUE'],
  [wire.CLOSE, 'CLOSE'],
  [wire.DELETE, 'DELETE'],
  [wire.END, 'END'],
]);

export class DiskSide {
  /** What the pump gets. */
  readonly link: {
    readonly append: RingProducer;
    readonly read: RingConsumer;
    readonly bell: Doorbell;
  };
  /** All messages that were to be appended, as they stood in the ring. */
  readonly appended: DiskMessage[] = [];
  readonly #requests: RingConsumer;
  readonly #answers: RingProducer;
  readonly #bell: Doorbell;

  constructor(appendBytes = 4 * 1024 * 1024, readBytes = 64 * 1024) {
    const append = allocateRing(appendBytes);
    const read = allocateRing(readBytes);
    this.#requests = new RingConsumer(append);
    this.#answers = new RingProducer(read);
    this.#bell = new Doorbell(allocateDoorbell());
    // As if it slept for ever: then every ring is counted.
    this.#bell.fallAsleep();
    this.link = {
      append: new RingProducer(append),
      read: new RingConsumer(read),
      bell: this.#bell,
    };
  }

  /** How often the pump has rung. */
  get rings(): number {
    return this.#bell.rings();
  }

  /**
   * Takes up to `most` requests, each as a line: its name, the queue, and a name, bodies or a count. A READ's
   * bytes are left out. Bodies longer than 40 characters are shown by their length.
   */
  take(most = Number.POSITIVE_INFINITY): string[] {
    const lines: string[] = [];
    this.#requests.look();
    while (lines.length < most) {
      const type = this.#requests.front();
      if (type === EMPTY) break;
      lines.push(this.#line(type));
      this.#requests.pop();
    }
    this.#requests.release();
    return lines;
  }

  opened(queue: number, unread = 0): void {
    this.answer(wire.OPENED, queue, unread, null);
  }

  appendedOk(queue: number, unread: number): void {
    this.answer(wire.APPENDED, queue, unread, null);
  }

  appendFailed(queue: number, text: string, unread = 0): void {
    this.answer(wire.APPENDED, queue, unread, text);
  }

  records(queue: number, records: readonly Buffer[], unread: number): void {
    this.#answer(wire.RECORDS, [queue, 1, 0, unread, records.length], Buffer.concat(records));
  }

  readFailed(queue: number, text: string, unread: number): void {
    this.#answer(wire.RECORDS, [queue, 0, 0, unread, 0], Buffer.from(text));
  }

  emptied(queue: number, error: string | null = null): void {
    this.answer(wire.EMPTIED, queue, 0, error);
  }

  closed(queue: number, error: string | null = null): void {
    this.answer(wire.CLOSED, queue, 0, error);
  }

  deleted(queue: number, error: string | null = null): void {
    this.answer(wire.DELETED, queue, 0, error);
  }

  /** Sends something to log. */
  status(level: number, text: string): void {
    this.#answer(wire.STATUS, [level], Buffer.from(text));
  }

  /** Any answer but RECORDS. */
  answer(type: number, queue: number, unread: number, error: string | null): void {
    const fields = [queue, error === null ? 1 : 0, Math.floor(unread / 2 ** 32), unread % 2 ** 32];
    this.#answer(type, fields, Buffer.from(error ?? ''));
  }

  #answer(type: number, fields: readonly number[], bytes: Buffer): void {
    const length = fields.length * 4 + bytes.length;
    const offset = this.#answers.claim(length);
    if (offset === FULL) throw new Error('the read ring is full');
    this.#answers.words.set(fields, offset >>> 2);
    this.#answers.bytes.set(bytes, offset + fields.length * 4);
    this.#answers.commit(type, length);
    this.#answers.publish();
  }

  #line(type: number): string {
    const name = REQUEST_NAMES.get(type) ?? String(type);
    const { words, bytes, offset, length } = this.#requests;
    if (type === wire.END) return name;
    const head = `${name} ${words[(offset >>> 2) + wire.QUEUE]}`;
    if (type === wire.OPEN) {
      return `${head} ${bytes.toString('utf8', offset + wire.QUEUE_WORDS * 4, offset + length)}`;
    }
    if (type === wire.RELEASE) return `${head} ${words[(offset >>> 2) + wire.RELEASE_COUNT]}`;
    if (type !== wire.APPEND) return head;
    const start = offset + wire.APPEND_WORDS * 4;
    const messages = parseRecords(Buffer.from(bytes.subarray(start, offset + length)));
    if (words[(offset >>> 2) + wire.APPEND_COUNT] !== messages.length) {
      throw new Error('the count of an APPEND is not that of its records');
    }
    this.appended.push(...messages);
    return `${head} ${messages.map(({ body }) => (body.length > 40 ? `${body.length}` : body)).join(' ')}`;
  }
}
