/**
 * The two ends of an open loop: a publisher whose answers are counted, and a consumer that reads from each message when
 * it was due.
 */

import { NOP } from '../../../src/protocol/commands.ts';
import { Durations } from '../percentiles.ts';
import { AnswerBatch } from '../wire/commands.ts';
import { type FrameHandler, FrameReader, MESSAGE_HEAD_BYTES } from '../wire/frame-reader.ts';
import type { Link } from '../wire/link.ts';
import type { ProgressCount } from './workload.ts';

export class AnswerWatch implements FrameHandler {
  readonly #link: Link;
  readonly #failed = Promise.withResolvers<never>();
  #answered = 0;
  #onAnswer: () => void = () => undefined;

  constructor(link: Link) {
    this.#link = link;
    // It may fail before the caller awaits it.
    this.#failed.promise.catch(() => undefined);
    const reader = new FrameReader(this);
    link.listen({
      onBytes: (chunk, end) => reader.take(chunk, end),
      onGone: (error) => this.#failed.reject(error),
    });
  }

  /** How many commands were answered with OK. */
  get answered(): number {
    return this.#answered;
  }

  /** Resolves with the next answers. Errors: rejects if the server refuses a command or closes the connection. */
  async next(): Promise<void> {
    const next = Promise.withResolvers<void>();
    this.#onAnswer = next.resolve;
    await Promise.race([next.promise, this.#failed.promise]);
  }

  /** Never resolves. Errors: rejects if the server refuses a command or closes the connection. */
  failed(): Promise<never> {
    return this.#failed.promise;
  }

  onOk(count: number): void {
    this.#answered += count;
    this.#onAnswer();
  }

  onMessage(): void {
    this.#failed.reject(new Error('a publisher was sent a message'));
  }

  onHeartbeat(): void {
    this.#link.send(NOP);
  }

  onError(text: string): void {
    this.#failed.reject(new Error(`publishing: the server says ${text}`));
  }
}

/** A double: ms on this process's monotonic clock. */
export const STAMP_BYTES = 8;

const NO_MORE = Buffer.from('RDY 0\n');

export class StampedConsumer implements FrameHandler {
  /** From when a message was due until it arrived; early messages count as 0. */
  readonly lateness = new Durations();

  readonly #link: Link;
  readonly #progress: ProgressCount;
  readonly #batch = new AnswerBatch();
  readonly #subscribed = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #total: number;
  /** Messages that were due earlier do not count. */
  #nowMs = 0;
  #received = 0;
  #hasAll = false;
  #early = 0;
  #earliestMs = Number.POSITIVE_INFINITY;

  /** Ends after `total` messages; requeues later ones while it stays connected. */
  constructor(link: Link, total: number, progress: ProgressCount) {
    this.#link = link;
    this.#total = total;
    this.#progress = progress;
    // They may fail before the caller awaits them.
    this.#subscribed.promise.catch(() => undefined);
    this.#ended.promise.catch(() => undefined);
    const reader = new FrameReader(this, STAMP_BYTES);
    link.listen({
      onBytes: (chunk, end) => {
        this.#nowMs = performance.now();
        reader.take(chunk, end);
        this.#endChunk();
      },
      onGone: (error) => this.#onFailed(error),
    });
  }

  /** How many arrived before they were due. */
  get early(): number {
    return this.#early;
  }

  /** The smallest lateness, negative if a message arrived early. Units: ms. */
  get earliestMs(): number {
    return this.#earliestMs;
  }

  /** Resolves when subscribed. */
  async subscribe(topic: string, channel: string, rdy: number): Promise<void> {
    this.#link.send(Buffer.from(`SUB ${topic} ${channel}\nRDY ${rdy}\n`));
    await this.#subscribed.promise;
  }

  /** Resolves when everything has arrived. */
  ended(): Promise<void> {
    return this.#ended.promise;
  }

  close(): void {
    this.#link.close();
  }

  onMessage(view: DataView, at: number): void {
    if (this.#received === this.#total) {
      this.#batch.requeue(view, at);
      return;
    }
    this.#received++;
    this.#batch.finish(view, at);
    const dueMs = view.getFloat64(at + MESSAGE_HEAD_BYTES);
    const lateMs = this.#nowMs - dueMs;
    if (lateMs < 0) this.#early++;
    if (lateMs < this.#earliestMs) this.#earliestMs = lateMs;
    this.lateness.add(lateMs);
  }

  onOk(): void {
    this.#subscribed.resolve();
  }

  onHeartbeat(): void {
    this.#link.send(NOP);
  }

  onError(text: string): void {
    this.#onFailed(new Error(`consuming: the server says ${text}`));
  }

  #endChunk(): void {
    if (this.#batch.count > 0) this.#batch.clear(this.#link.send(this.#batch.bytes()));
    this.#progress.done = this.#received;
    if (this.#received < this.#total || this.#hasAll) return;
    this.#hasAll = true;
    this.#link.send(NO_MORE);
    this.#ended.resolve();
  }

  #onFailed(error: Error): void {
    this.#subscribed.reject(error);
    this.#ended.reject(error);
  }
}
