/**
 * Drops messages of a topic that were published before, within a window: their publisher gets the same answer as if
 * they were new.
 *
 * A message whose write fails was never published: it is forgotten, and publishers that have sent the same message
 * meanwhile get the same error. A message that is dropped does not prolong the window of the first.
 *
 * Bound: `SEEN_MAX` messages, about 120 bytes each; beyond that the oldest are forgotten before their window ends.
 * Units: ms, monotonic. Thread: pump. Source: own; nsqd has none.
 */

import { readUint32 } from '../../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../../shared/limits.ts';
import type { TopicPolicy } from '../../../shared/topic-policy.ts';
import { Receipt } from '../backend/append-lane.ts';
import type { PublishedMessages } from '../topic-options.ts';
import type { WallClock } from '../wall-clock.ts';
import { FINGERPRINT_BYTES, type Fingerprint, fingerprintBy } from './fingerprint.ts';

/** Messages that one topic remembers at most. */
export const SEEN_MAX = 100_000;
/** Bytes of one message in what is saved: its fingerprint, and its Unix time in ms as a double. */
const SAVED_BYTES = FINGERPRINT_BYTES + 8;

/** The deduplication for a policy: the existing one with the new policy, or null. */
export function deduplicationOf(
  { deduplicateMs, deduplicateKey }: Pick<TopicPolicy, 'deduplicateMs' | 'deduplicateKey'>,
  before: Deduplication | null,
  wallClock: WallClock,
): Deduplication | null {
  if (deduplicateMs === 0) return null;
  if (before === null) return new Deduplication(deduplicateMs, deduplicateKey, wallClock);
  before.setPolicy(deduplicateMs, deduplicateKey);
  return before;
}

/** Publishes messages that are new. */
type Put = (publication: PublishedMessages, receipt: Receipt | null) => void;

export class Deduplication {
  /** Messages that were dropped. */
  droppedCount = 0;

  readonly #wallClock: WallClock;
  #windowMs: number;
  #key: string;
  #fingerprint: Fingerprint;
  /** When each message was published, oldest first. */
  readonly #seen = new Map<string, number>();
  /** Messages whose writes are under way, and the publishers of the same messages. */
  readonly #open = new Map<string, Receipt[]>();

  constructor(windowMs: number, key: string, wallClock: WallClock) {
    this.#wallClock = wallClock;
    this.#windowMs = windowMs;
    this.#key = key;
    this.#fingerprint = fingerprintBy(key);
  }

  /** Messages that are remembered. */
  get size(): number {
    return this.#seen.size;
  }

  /** A changed window also applies to earlier messages; a changed key makes all messages new. */
  setPolicy(windowMs: number, key: string): void {
    this.#windowMs = windowMs;
    if (key === this.#key) return;
    this.#key = key;
    this.#fingerprint = fingerprintBy(key);
    this.#seen.clear();
  }

  /** Hands the new messages of a publication to `put`, in runs. */
  publish(publication: PublishedMessages, nowMs: number, receipt: Receipt | null, put: Put): void {
    const { bytes } = publication;
    this.#forgetOld(nowMs);
    const added: string[] = [];
    receipt?.expect(1);
    const own = receipt === null ? null : this.#receiptFor(added, receipt);
    const run = { ...publication, count: 0 };
    let at = publication.at;
    for (let rest = publication.count; rest > 0; rest--) {
      const end = at + SIZE_BYTES + readUint32(bytes, at);
      const fingerprint = this.#fingerprint(bytes.subarray(at + SIZE_BYTES, end));
      if (this.#seen.has(fingerprint)) {
        if (run.count > 0) put(run, own);
        run.count = 0;
        run.at = end;
        this.#drop(fingerprint, receipt);
      } else {
        run.count++;
        this.#remember(fingerprint, nowMs);
        if (own !== null) {
          added.push(fingerprint);
          this.#open.set(fingerprint, []);
        }
      }
      at = end;
    }
    if (run.count > 0) put(run, own);
    own?.seal();
  }

  /** The state for a later start. */
  save(nowMs: number): Uint8Array {
    this.#forgetOld(nowMs);
    const saved = Buffer.alloc(this.#seen.size * SAVED_BYTES);
    let at = 0;
    for (const [fingerprint, seenMs] of this.#seen) {
      saved.write(fingerprint, at, 'latin1');
      saved.writeDoubleLE(this.#wallClock.unixAt(seenMs), at + FINGERPRINT_BYTES);
      at += SAVED_BYTES;
    }
    return saved;
  }

  /** Restores the state that an earlier start has saved. */
  restore(saved: Uint8Array): void {
    const bytes = Buffer.from(saved.buffer, saved.byteOffset, saved.length);
    for (let at = 0; at + SAVED_BYTES <= bytes.length; at += SAVED_BYTES) {
      const fingerprint = bytes.toString('latin1', at, at + FINGERPRINT_BYTES);
      const unixMs = bytes.readDoubleLE(at + FINGERPRINT_BYTES);
      this.#remember(fingerprint, this.#wallClock.monotonicAt(unixMs));
    }
  }

  /** Answers the publishers of the same message when the outcome of the first is known. */
  #receiptFor(added: readonly string[], receipt: Receipt): Receipt {
    const onSettled = ({ error }: Receipt): void => {
      for (const fingerprint of added) {
        const others = this.#open.get(fingerprint) ?? [];
        this.#open.delete(fingerprint);
        if (error !== null) this.#seen.delete(fingerprint);
        for (const other of others) other.settle(1, error);
      }
      receipt.settle(1, error);
    };
    return new Receipt(receipt.isRefusable, onSettled, receipt.isSynced);
  }

  #drop(fingerprint: string, receipt: Receipt | null): void {
    this.droppedCount++;
    const waiting = this.#open.get(fingerprint);
    if (receipt === null || waiting === undefined) return;
    receipt.expect(1);
    waiting.push(receipt);
  }

  #remember(fingerprint: string, seenMs: number): void {
    this.#seen.set(fingerprint, seenMs);
    if (this.#seen.size <= SEEN_MAX) return;
    const [oldest] = this.#seen.keys();
    this.#seen.delete(oldest);
  }

  #forgetOld(nowMs: number): void {
    for (const [fingerprint, seenMs] of this.#seen) {
      if (seenMs + this.#windowMs > nowMs) return;
      this.#seen.delete(fingerprint);
    }
  }
}
