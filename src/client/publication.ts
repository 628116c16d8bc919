/**
 * A publish from the call until it is settled: one message, or several that are sent together.
 *
 * Thread: any.
 */

import { line } from '../protocol/commands.ts';
import { SIZE_BYTES } from '../shared/limits.ts';
import type { Body, CommandBuffer } from './command-buffer.ts';
import type { NsqError } from './nsq-error.ts';

/** A body and its size in bytes. */
export type SizedBody = { readonly body: Body; readonly bytes: number };

/** A call of `publish`, or a part of a call of `publishMany`. */
export class Publication {
  readonly bodies: readonly SizedBody[];
  /** Of all bodies. */
  readonly bytes: number;
  /** When it times out. Units: ms, monotonic. */
  readonly deadlineMs: number;
  isSettled = false;

  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | null;

  constructor(
    bodies: readonly SizedBody[],
    bytes: number,
    deadlineMs: number,
    resolve: () => void,
    reject: (error: unknown) => void,
    signal: AbortSignal | undefined,
    onAbort: ((publication: Publication, reason: unknown) => void) | null,
  ) {
    this.bodies = bodies;
    this.bytes = bytes;
    this.deadlineMs = deadlineMs;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    this.#onAbort = onAbort === null ? null : () => onAbort(this, signal?.reason);
    if (this.#onAbort !== null) signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Settles it. False when it is settled already. */
  resolve(): boolean {
    if (!this.#settle()) return false;
    this.#resolve();
    return true;
  }

  /** Settles it. False when it is settled already. */
  reject(error: unknown): boolean {
    if (!this.#settle()) return false;
    this.#reject(error);
    return true;
  }

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    if (this.#onAbort !== null) this.#signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }
}

/** The sender of batches. */
export type BatchOwner = {
  onBatchAnswer(batch: Batch): void;
  onBatchError(batch: Batch, error: NsqError): void;
};

/** Publications that go in one command, in their order. It is its own responder. */
export class Batch {
  readonly topic: string;
  /** Units: ms; 0: at once. */
  readonly delayMs: number;
  publications: Publication[] = [];
  bytes = 0;
  count = 0;
  /** Connections that were lost while it was unanswered. */
  lossCount = 0;
  /** Brokers that have had trouble with it. */
  refusalCount = 0;
  /** When it was sent. Units: ms, monotonic. */
  sentMs = Number.POSITIVE_INFINITY;
  readonly #owner: BatchOwner;

  constructor(topic: string, delayMs: number, owner: BatchOwner) {
    this.topic = topic;
    this.delayMs = delayMs;
    this.#owner = owner;
  }

  add(publication: Publication): void {
    this.publications.push(publication);
    this.bytes += publication.bytes;
    this.count += publication.bodies.length;
  }

  /** Drops what is settled. False when nothing is left. */
  prune(): boolean {
    if (this.publications.some(({ isSettled }) => isSettled)) {
      const alive = this.publications.filter(({ isSettled }) => !isSettled);
      this.publications = [];
      this.bytes = 0;
      this.count = 0;
      for (const publication of alive) this.add(publication);
    }
    return this.publications.length > 0;
  }

  /** Writes the command: PUB, DPUB or MPUB. */
  write(commands: CommandBuffer): void {
    const { topic, delayMs } = this;
    const [{ bodies }] = this.publications;
    if (this.count === 1) {
      const [{ body, bytes }] = bodies;
      commands.bytes(delayMs === 0 ? line('PUB', topic) : line('DPUB', topic, delayMs));
      commands.sized(body, bytes);
      return;
    }
    commands.bytes(line('MPUB', topic));
    commands.size(SIZE_BYTES + this.count * SIZE_BYTES + this.bytes);
    commands.size(this.count);
    for (const publication of this.publications) {
      for (const { body, bytes } of publication.bodies) commands.sized(body, bytes);
    }
  }

  onAnswer(): void {
    this.#owner.onBatchAnswer(this);
  }

  onError(error: NsqError): void {
    this.#owner.onBatchError(this, error);
  }
}
