/**
 * Answers that may have megabytes, such as that of `/stats`. They are built in slices, one answer after the other.
 * Clients that ask the same before an answer is begun share it, and it is kept only until they have read it.
 *
 * Bound: HELD_BYTES_MAX, and one more answer. At the bound the next answer is built when one is sent. A client that
 * reads nothing of its answer for STALL_MS, or less than RATE_BYTES in a second, is disconnected.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../log.ts';
import { RepeatedLog } from '../repeated-log.ts';
import { nextTurn } from '../slices.ts';
import type { Exchange } from './exchange.ts';
import type { PiecewiseAnswer } from './piecewise-answer.ts';

const MIB = 1024 * 1024;
/** Most bytes of all held answers; beyond it others have to wait. */
const HELD_BYTES_MAX = 16 * MIB;
/** The approximate bytes of a piece; main does other work between two pieces. */
const PIECE_BYTES = 64 * 1024;
const STALL_MS = 1000;
const RATE_BYTES = MIB / 2;
const MS_PER_SECOND = 1000;
/** How often progress is checked while others wait. */
const LOOK_MS = 100;

/** A request for an answer. */
export type LargeQuestion = {
  /** The same for requests that can share an answer. */
  readonly key: string;
  /** Headers of the answer, except its length. */
  readonly headers: readonly string[];
  /** Makes the answer, as text or as bytes; an empty piece ends a slice. Errors: rejects when that fails. */
  readonly ask: () => Promise<Iterable<string> | Iterable<Buffer>>;
  /** Gets the pieces when no one reads them any more. */
  readonly onSent?: (pieces: readonly Buffer[]) => void;
};

/** The requests that wait for the same answer. */
type Waiting = { readonly question: LargeQuestion; readonly exchanges: Set<Exchange> };

/** An answer that is held while it is being sent. */
type Held = {
  readonly bytes: number;
  readonly pieces: readonly Buffer[];
  readonly onSent: LargeQuestion['onSent'];
  readerCount: number;
};

/** A receiver, and its position when it last made progress. */
type Reader = {
  readonly answer: PiecewiseAnswer;
  readonly held: Held;
  readonly startMs: number;
  takenCount: number;
  markMs: number;
};

export class LargeAnswers {
  readonly #clock: Clock;
  readonly #losses: RepeatedLog;
  readonly #waiting = new Map<string, Waiting>();
  readonly #readers = new Set<Reader>();
  #heldBytes = 0;
  #isRunning = false;
  /** Called when an answer is released. */
  #onWritable: () => void = () => undefined;

  constructor(clock: Clock, logger: Pick<Logger, 'warn'>) {
    this.#clock = clock;
    this.#losses = new RepeatedLog(clock, (text) => logger.warn(text));
  }

  /** Bytes of answers on their way. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Answers, now or later. */
  add(exchange: Exchange, question: LargeQuestion): void {
    const { key } = question;
    const waiting = this.#waiting.get(key) ?? { question, exchanges: new Set<Exchange>() };
    this.#waiting.set(key, waiting);
    waiting.exchanges.add(exchange);
    exchange.onClosed(() => waiting.exchanges.delete(exchange));
    if (!this.#isRunning) void this.#run();
  }

  /** Builds answers while requests wait. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    // Requests that arrive together are answered together.
    await nextTurn();
    for (const [key, { question, exchanges }] of this.#waiting) {
      while (this.#heldBytes >= HELD_BYTES_MAX) await this.#room();
      this.#waiting.delete(key);
      if (exchanges.size > 0) await this.#answer(question, exchanges);
    }
    this.#isRunning = false;
  }

  async #answer(
    { headers: ownHeaders, ask, onSent }: LargeQuestion,
    exchanges: Set<Exchange>,
  ): Promise<void> {
    let pieces: Buffer[];
    try {
      pieces = await inPieces(await ask());
    } catch (error) {
      for (const exchange of exchanges) exchange.fail(error);
      return;
    }
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    const held = { bytes, pieces, onSent, readerCount: 0 };
    const headers = [...ownHeaders, 'Content-Length', bytes.toString()];
    for (const exchange of exchanges) this.#send(exchange, headers, held);
    if (held.readerCount === 0) onSent?.(pieces);
  }

  #send(exchange: Exchange, headers: string[], held: Held): void {
    const answer = exchange.sendPieces(headers, held.pieces);
    if (answer === undefined) return;
    const startMs = this.#clock.monotonicMs();
    const reader = { answer, held, startMs, takenCount: 0, markMs: startMs };
    this.#readers.add(reader);
    if (held.readerCount++ === 0) this.#heldBytes += held.bytes;
    exchange.onClosed(() => {
      this.#readers.delete(reader);
      if (--held.readerCount > 0) return;
      this.#heldBytes -= held.bytes;
      held.onSent?.(held.pieces);
      this.#onWritable();
    });
  }

  /** Resolves when an answer was released, or a client was disconnected. */
  async #room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onWritable = resolve;
    const timer = this.#clock.after(LOOK_MS, () => {
      this.#abortStalled();
      resolve();
    });
    timer.unref();
    await promise;
    timer.cancel();
  }

  #abortStalled(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const reader of [...this.#readers]) {
      const { answer, held, startMs } = reader;
      if (answer.takenCount > reader.takenCount) {
        reader.takenCount = answer.takenCount;
        reader.markMs = nowMs;
      }
      const longestMs = STALL_MS + (held.bytes / RATE_BYTES) * MS_PER_SECOND;
      if (nowMs - reader.markMs < STALL_MS && nowMs - startMs < longestMs) continue;
      this.#losses.note(`disconnected ${answer}: others wait, and it does not read its answer`);
      answer.abort();
    }
  }
}

/** Joins small texts to larger pieces, a few in each turn. Bytes are pieces already. */
async function inPieces(parts: Iterable<string | Buffer>): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  let text = '';
  for (const part of parts) {
    if (typeof part !== 'string') {
      if (part.length > 0) pieces.push(part);
    } else {
      text += part;
      if (text.length >= PIECE_BYTES) {
        pieces.push(Buffer.from(text));
        text = '';
      } else if (part !== '') continue;
    }
    await nextTurn();
  }
  if (text !== '') pieces.push(Buffer.from(text));
  return pieces;
}
