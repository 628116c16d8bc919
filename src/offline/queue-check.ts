/**
 * Reads one disk queue to its end, as a broker would that delivers everything, and counts its messages.
 *
 * Bound: one read of `READ_BYTES`, or one record. Thread: any; it blocks for one read at a time.
 */

import { errorText } from '../shared/error-text.ts';
import { DiskQueue } from '../workers/disk/disk-queue.ts';
import { contextOf, type DiskQueueOptions } from '../workers/disk/disk-queue-options.ts';
import { type DiskLogLevel, LOG_ERROR } from '../workers/disk/files/disk-log.ts';
import { readMetadata } from '../workers/disk/metadata/queue-metadata.ts';
import { recoverQueue } from '../workers/disk/queue-recovery.ts';
import { RECORD_ATTEMPTS_OFFSET, storedSize } from '../workers/disk/records/disk-record.ts';

/** A deviation from the state that a clean shutdown leaves. */
export type Finding = {
  /**
   * Whether messages are lost, the file cannot be read, or it is only a note about what a broker will do at startup.
   */
  readonly kind: 'damage' | 'note' | 'unreadable';
  /** The file's name in the directory; null for a finding about all files of a queue. */
  readonly file: string | null;
  /** The position in the file; null if it is not known. */
  readonly position: number | null;
  /** The text that the broker logs about it at startup. */
  readonly text: string;
};

/** The contents of a queue. */
export type QueueCount = {
  /** Messages that a broker would deliver. */
  readonly messages: number;
  /** Bytes of their records. */
  readonly bytes: number;
  /** Those that are due later. */
  readonly deferred: number;
  /** Those that were delivered before. */
  readonly attempted: number;
  /** Messages that the metadata counts and that are missing; a lower bound. */
  readonly lost: number;
  readonly findings: readonly Finding[];
};

const READ_BYTES = 1024 * 1024;
/** The broker waits this long for an unreadable sidecar; this check does not wait. */
const PATIENCE_MS = 4000;
/** The broker's minimum number of attempts. */
const TRIES = 4;
const NS_PER_MS = 1e6;

const SEGMENT = /^segment (\d+)\b/;
const POSITION = /\b(?:record at|ends at|after position) (\d+)\b/;

export class QueueCheck {
  readonly #name: string;
  readonly #options: DiskQueueOptions;
  readonly #dueMs: number;
  readonly #findings: Finding[] = [];
  #messages = 0;
  #bytes = 0;
  #deferred = 0;
  #attempted = 0;
  /** Messages that the metadata counts and the segments do not have. */
  #missing = 0;
  /** Messages that the queue expects when it is opened. */
  #expected = 0;

  /** `nowNs`: messages that are due later are deferred. */
  constructor(name: string, options: DiskQueueOptions, nowNs: bigint) {
    this.#name = name;
    this.#options = options;
    this.#dueMs = Number(nowNs) / NS_PER_MS;
  }

  /** Reads everything. Yields the bytes of each read. */
  *run(): Generator<number, QueueCount> {
    const room = Buffer.allocUnsafe(READ_BYTES);
    try {
      const queue = this.#patiently(
        () => new DiskQueue(this.#name, this.#options, (level, text) => this.#log(level, text)),
      );
      this.#expected = queue.depth;
      this.#missing = this.#patiently(() => this.#countMissing());
      for (;;) {
        const wanted = this.#patiently(() => queue.prepareRead(READ_BYTES));
        if (wanted === 0) break;
        const bytes = wanted > room.length ? Buffer.allocUnsafe(wanted) : room;
        const batch = this.#patiently(() => queue.read(bytes, 0, wanted));
        if (batch.count === 0) continue;
        this.#count(bytes, batch.bytes, batch.dueTimes);
        queue.finish(batch.first, batch.count);
        yield batch.bytes;
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#findings.push({
        ...{ kind: 'unreadable', file: null, position: null },
        text: `cannot be read to its end - ${errorText(error)}`,
      });
    }
    return {
      ...{ messages: this.#messages, bytes: this.#bytes },
      ...{ deferred: this.#deferred, attempted: this.#attempted },
      lost: this.#hasDamage() ? this.#missing + Math.max(0, this.#expected - this.#messages) : 0,
      findings: this.#findings,
    };
  }

  #countMissing(): number {
    const context = contextOf(this.#name, this.#options, () => undefined);
    const metadata = readMetadata(context.fileSystem, context.files);
    if (typeof metadata === 'string') return 0;
    return Math.max(0, metadata.depth - recoverQueue(context).depth);
  }

  #hasDamage(): boolean {
    return this.#findings.some(({ kind }) => kind === 'damage');
  }

  #count(bytes: Buffer, length: number, dueTimes: readonly number[] | undefined): void {
    let index = 0;
    for (let at = 0; at < length; at += storedSize(bytes, at)) {
      this.#messages++;
      if (bytes.readUInt16BE(at + RECORD_ATTEMPTS_OFFSET) > 0) this.#attempted++;
      if ((dueTimes?.[index++] ?? 0) > this.#dueMs) this.#deferred++;
    }
    this.#bytes += length;
  }

  /** Retries failed calls as the broker does, without its waiting time. */
  #patiently<T>(work: () => T): T {
    for (let tries = 1; ; tries++) {
      try {
        return work();
      } catch (error) {
        if (tries === TRIES) throw error;
        this.#options.patience.nowMs += PATIENCE_MS;
      }
    }
  }

  #log(level: DiskLogLevel, line: string): void {
    const text = line.replace(`DISKQUEUE(${this.#name}): `, '');
    const segment = SEGMENT.exec(text)?.[1];
    const position = POSITION.exec(text)?.[1];
    const { files } = contextOf(this.#name, this.#options, () => undefined);
    const path = segment === undefined ? undefined : files.segment(Number(segment));
    this.#findings.push({
      kind: level === LOG_ERROR ? 'damage' : 'note',
      file: path?.slice(this.#options.dataPath.length + 1) ?? null,
      position: position === undefined ? null : Number(position),
      text,
    });
  }
}
