/**
 * The disk thread's, or the stream thread's, ends of the rings to a pump, for tests of the pump: reads requests, and
 * writes the answers that the test chooses.
 *
 * Thread: any.
 */

import { decodeControl, type StartedChannel, type StreamName } from '../../src/shared/control.ts';
import { allocateDoorbell, Doorbell } from '../../src/shared/ring/doorbell.ts';
import { allocateRing, EMPTY, FULL, RingReader, RingWriter } from '../../src/shared/ring/ring.ts';
import * as wire from '../../src/workers/disk-records.ts';
import * as streams from '../../src/workers/stream-records.ts';
import { type DiskMessage, parseRecords } from './disk-files.ts';

const REQUEST_NAMES = new Map([
  [wire.OPEN, 'OPEN'],
  [wire.APPEND, 'APPEND'],
  [wire.READ, 'READ'],
  [wire.REREAD, 'REREAD'],
  [wire.FINISH, 'FINISH'],
  [wire.UPDATE, 'UPDATE'],
  [wire.EMPTY_QUEUE, 'EMPTY_QUEUE'],
  [wire.CLOSE, 'CLOSE'],
  [wire.DELETE, 'DELETE'],
  [wire.END, 'END'],
  [streams.OPEN_STREAM, 'OPEN_STREAM'],
  [streams.PULL, 'PULL'],
  [streams.REST, 'REST'],
  [streams.PAUSE, 'PAUSE'],
  [streams.START, 'START'],
]);

/** Properties of records that are handed out. */
export interface HandingOut {
  /** When each is due, Unix time in ms, 0 for at once. */
  readonly dueTimes?: readonly number[];
  /** Number of the first; by default the one after the last that was handed out. */
  readonly first?: number;
  /** How many of the unread records are deferred. */
  readonly deferred?: number;
}

export class DiskSide {
  /** The pump's ends of the rings. */
  readonly link: {
    readonly requests: RingWriter;
    readonly replies: RingReader;
    readonly bell: Doorbell;
  };
  /** The messages of all appends, as they were in the ring. */
  readonly appended: DiskMessage[] = [];
  /** Their due times, 0 for none. */
  readonly appendedDueTimes: number[] = [];
  /** The number of the next record to hand out, for each queue. */
  readonly #nextNumbers = new Map<number, number>();
  readonly #requests: RingReader;
  readonly #answers: RingWriter;
  readonly #bell: Doorbell;

  constructor(requestBytes = 4 * 1024 * 1024, replyBytes = 64 * 1024) {
    const requests = allocateRing(requestBytes);
    const replies = allocateRing(replyBytes);
    this.#requests = new RingReader(requests);
    this.#answers = new RingWriter(replies);
    this.#bell = new Doorbell(allocateDoorbell());
    // As if it always slept, so that every ring of its bell is counted.
    this.#bell.fallAsleep();
    this.link = {
      requests: new RingWriter(requests),
      replies: new RingReader(replies),
      bell: this.#bell,
    };
  }

  /** How often the pump has rung. */
  get rings(): number {
    return this.#bell.rings();
  }

  /**
   * Reads up to `most` requests, each as a line: its name, the queue, and a name, bodies with their due times, runs of
   * numbers, or updates (number, attempts, due time). The bytes of a READ or PULL are omitted. Bodies longer than 40
   * characters are shown by their length.
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

  /** This many of the oldest writes that wait for stable storage are there, or have failed. */
  committed(count: number, error: string | null = null): void {
    this.#answer(wire.COMMITTED, [count, error === null ? 1 : 0], Buffer.from(error ?? ''));
  }

  /** Hands out records with consecutive numbers. */
  records(
    queue: number,
    records: readonly Buffer[],
    unread: number,
    handingOut: HandingOut = {},
  ): void {
    const first = handingOut.first ?? this.#nextNumbers.get(queue) ?? 0;
    this.#nextNumbers.set(queue, (first + records.length) >>> 0);
    const bytes = Buffer.concat(records);
    const { dueTimes } = handingOut;
    const fields = [
      ...answerFields(queue, true, unread, bytes.length, handingOut.deferred ?? 0),
      ...[records.length, first, dueTimes === undefined ? 0 : 1],
    ];
    this.#answer(wire.RECORDS, fields, withDueTimes(bytes, dueTimes));
  }

  /** Hands out records again, by their numbers; `covered`: how many of the requested ones the answer covers. */
  reread(queue: number, covered: number, records: ReadonlyMap<number, Buffer>, unread = 0): void {
    const fields = [...answerFields(queue, true, unread, 0, 0), records.size, covered, 0];
    const bytes = Buffer.concat([...records.values()]);
    const padding = Buffer.alloc(-bytes.length & 3);
    const numbers = Buffer.from(Uint32Array.from(records.keys()).buffer);
    this.#answer(wire.REREAD_DONE, fields, Buffer.concat([bytes, padding, numbers]));
  }

  rereadFailed(queue: number, text: string, unread: number): void {
    const fields = [...answerFields(queue, false, unread, 0, 0), 0, 0, 0];
    this.#answer(wire.REREAD_DONE, fields, Buffer.from(text));
  }

  readFailed(queue: number, text: string, unread: number): void {
    const fields = [...answerFields(queue, false, unread, 0, 0), 0, 0, 0];
    this.#answer(wire.RECORDS, fields, Buffer.from(text));
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

  /** How many messages a replicated topic or channel has ever had. */
  figures(queue: number, messageCount: number): void {
    const count = [Math.floor(messageCount / 2 ** 32), messageCount % 2 ** 32];
    this.#answer(
      streams.FIGURES,
      [...answerFields(queue, true, 0, 0, 0), ...count],
      Buffer.alloc(0),
    );
  }

  /** Sends a line for the log. */
  status(level: number, text: string): void {
    this.#answer(wire.STATUS, [level], Buffer.from(text));
  }

  /** Any answer except RECORDS. Units: `unreadBytes` with size fields; by default 100 for each unread record. */
  answer(
    type: number,
    queue: number,
    unread: number,
    error: string | null,
    deferred = 0,
    unreadBytes = unread * 100,
  ): void {
    const fields = answerFields(queue, error === null, unread, unreadBytes, deferred);
    this.#answer(type, fields, Buffer.from(error ?? ''));
  }

  #answer(type: number, fields: readonly number[], bytes: Buffer): void {
    const length = fields.length * 4 + bytes.length;
    const offset = this.#answers.claim(length);
    if (offset === FULL) throw new Error('the reply ring is full');
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
    if (type === streams.PULL) return `${head} ${words[(offset >>> 2) + streams.PULL_COUNT]}`;
    if (type === streams.PAUSE) return `${head} ${words[(offset >>> 2) + streams.PAUSE_ON]}`;
    if (type === streams.OPEN_STREAM || type === streams.START) {
      const content = bytes.subarray(offset + wire.QUEUE_WORDS * 4, offset + length);
      const named = decodeControl<StreamName | StartedChannel>(content);
      return 'topic' in named
        ? `${head} ${named.topic}:${named.channel}`
        : `${head} ${named.channel} ${JSON.stringify(named.start)}`;
    }
    if (type === wire.REREAD) return `${head} ${this.#runs(wire.REREAD_RUNS).join(' ')}`;
    if (type === wire.FINISH) return `${head} ${this.#runs(wire.FINISH_RUNS).join(' ')}`;
    if (type === wire.UPDATE) return `${head} ${this.#updates().join(' ')}`;
    if (type !== wire.APPEND) return head;
    return `${head} ${this.#appended().join(' ')}`;
  }

  /** Runs from this word on, each as its first number, or as first and last with a hyphen. */
  #runs(start: number): string[] {
    const runs: string[] = [];
    const { words, offset, length } = this.#requests;
    const end = (offset + length) >>> 2;
    for (let at = (offset >>> 2) + start; at < end; at += wire.FINISH_RUN_WORDS) {
      runs.push(runText(words[at], words[at + 1]));
    }
    return runs;
  }

  /** Entries of an UPDATE: number, attempts, due time. */
  #updates(): string[] {
    const updates: string[] = [];
    const { words, offset, length } = this.#requests;
    const end = (offset + length) >>> 2;
    for (let at = (offset >>> 2) + wire.UPDATE_ENTRIES; at < end; at += wire.UPDATE_ENTRY_WORDS) {
      const due = words[at + wire.UPDATE_DUE] * 2 ** 32 + words[at + wire.UPDATE_DUE + 1];
      updates.push(`${words[at + wire.UPDATE_NUMBER]},${words[at + wire.UPDATE_ATTEMPTS]},${due}`);
    }
    return updates;
  }

  /** Bodies of an APPEND, each with its due time if it has one. */
  #appended(): string[] {
    const { words, bytes, offset, length } = this.#requests;
    const at = offset >>> 2;
    const count = words[at + wire.APPEND_COUNT];
    const hasDue = (words[at + wire.APPEND_FLAGS] & wire.APPEND_HAS_DUE) !== 0;
    const start = offset + wire.APPEND_WORDS * 4;
    const dueBytes = hasDue ? count * wire.DUE_WORDS * 4 : 0;
    const content = Buffer.from(bytes.subarray(start, offset + length - dueBytes));
    const messages = parseRecords(hasDue ? content.subarray(0, recordsEnd(content)) : content);
    if (count !== messages.length) throw new Error('an APPEND counts other records than it has');
    this.appended.push(...messages);
    return messages.map(({ body }, index) => {
      const due = (offset + length - dueBytes) >>> 2;
      const [high, low] = [
        words[due + index * wire.DUE_WORDS],
        words[due + index * wire.DUE_WORDS + 1],
      ];
      const dueMs = hasDue ? high * 2 ** 32 + low : 0;
      this.appendedDueTimes.push(dueMs);
      const shown = body.length > 40 ? `${body.length}` : body;
      return dueMs === 0 ? shown : `${shown}@${dueMs}`;
    });
  }
}

function answerFields(
  queue: number,
  isOk: boolean,
  unread: number,
  unreadBytes: number,
  deferred: number,
): number[] {
  const split = (value: number): number[] => [Math.floor(value / 2 ** 32), value % 2 ** 32];
  return [queue, isOk ? 1 : 0, ...split(unread), ...split(unreadBytes), deferred];
}

/** Records and, after padding, their due times. */
function withDueTimes(records: Buffer, dueTimes: readonly number[] | undefined): Buffer {
  if (dueTimes === undefined) return records;
  const padding = Buffer.alloc((4 - (records.length % 4)) % 4);
  const words = dueTimes.flatMap((due) => [Math.floor(due / 2 ** 32), due % 2 ** 32]);
  return Buffer.concat([records, padding, Buffer.from(new Uint32Array(words).buffer)]);
}

/** The end of the records, which padding of less than a word may follow. */
function recordsEnd(content: Buffer): number {
  let at = 0;
  while (content.length - at >= 4) at += 4 + content.readInt32BE(at);
  return at;
}

/** Consecutive numbers: the only one, or first and last. */
function runText(first: number, count: number): string {
  return count === 1 ? `${first}` : `${first}-${(first + count - 1) >>> 0}`;
}
