/**
 * Counts a publisher's answers, and answers its heartbeats, for a drive that has its own way of sending.
 */

import { type FrameHandler, FrameReader } from '../wire/frame-reader.ts';
import type { Link } from '../wire/link.ts';

const NOP = Buffer.from('NOP\n');

export class AnswerWatch implements FrameHandler {
  readonly #link: Link;
  readonly #failed = Promise.withResolvers<never>();
  #answered = 0;
  #onAnswer: () => void = () => undefined;

  constructor(link: Link) {
    this.#link = link;
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

  /** Resolves with the next answers. Errors: rejects when the server refuses one or is gone. */
  async next(): Promise<void> {
    const next = Promise.withResolvers<void>();
    this.#onAnswer = next.resolve;
    await Promise.race([next.promise, this.#failed.promise]);
  }

  /** Never resolves. Errors: rejects when the server refuses a command or is gone. */
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
