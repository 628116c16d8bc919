/**
 * Bounds the bytes of bodies that have come in part, over all connections together.
 *
 * While they are too many, one connection goes on: the one that holds most, since it is likely to be done first. All
 * others that gather a large body are held back, and go on when enough is done. Whoever goes on has a time to finish
 * its body, so that a client that sends nothing more, or a byte now and then, cannot hold up the others for ever; after
 * that it is given up. Small bodies are neither counted nor held back.
 *
 * Bound: what was asked for, one body of the largest size, and for each connection what a read brings at once.
 *
 * Thread: main.
 */

import type { Logger } from '../../daemon/log.ts';
import { RepeatedLog } from '../../daemon/repeated-log.ts';
import type { Clock, Timer } from '../../shared/clock.ts';

/** A connection, or a request, that gathers a body. */
export interface BodyGatherer {
  /** Reads nothing more for now. May be called several times. */
  holdBack(): void;
  /** Reads on. It may `note` at once. */
  goOn(): void;
  /**
   * Ends, because it takes too long; it needs not `note` that it holds nothing then. False: it is the broker that
   * takes long, and it goes on.
   */
  giveUp(): boolean;
  toString(): string;
}

/** What counts as large. It is more than one read brings, so that clients in a hurry are seldom noted at all. */
const LARGE_BYTES = 64 * 1024;
/** All go on when no more than this share of the bound is held, so that they need not stop again at once. */
const ENOUGH_SHARE = 3 / 4;
/** How long one may take while others wait. */
const TURN_MS = 10_000;

export class BodyMemory {
  readonly #boundBytes: number;
  readonly #clock: Clock;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #shortages: RepeatedLog;
  readonly #heldBytes = new Map<BodyGatherer, number>();
  #totalBytes = 0;
  /** The one that goes on while the others are held back; null when nobody is. */
  #first: BodyGatherer | null = null;
  #turn: Timer | null = null;

  constructor(boundBytes: number, clock: Clock, logger: Pick<Logger, 'warn'>) {
    this.#boundBytes = boundBytes;
    this.#clock = clock;
    this.#logger = logger;
    this.#shortages = new RepeatedLog(clock, (text) => logger.warn(text));
  }

  /** Bytes of large bodies that are held. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Whether it may not read now. */
  isHeldBack(gatherer: BodyGatherer): boolean {
    return this.#first !== null && this.#first !== gatherer && this.#heldBytes.has(gatherer);
  }

  /** So many bytes of an unfinished body are held now; 0 when there is none any more. To be called when it changes. */
  note(gatherer: BodyGatherer, bytes: number): void {
    const before = this.#heldBytes.get(gatherer) ?? 0;
    const counted = bytes < LARGE_BYTES ? 0 : bytes;
    if (counted === before) return;
    this.#totalBytes += counted - before;
    if (counted === 0) this.#heldBytes.delete(gatherer);
    else this.#heldBytes.set(gatherer, counted);
    const first = this.#first;
    if (first === null) {
      if (this.#totalBytes > this.#boundBytes) this.#holdBackAll();
    } else if (this.#totalBytes <= this.#boundBytes * ENOUGH_SHARE) {
      this.#letAllGoOn();
    } else if (gatherer === first) {
      // Less than before: a body of its is done.
      if (counted < before) this.#takeTurn(first);
    } else if (counted > 0) {
      gatherer.holdBack();
    } else {
      gatherer.goOn();
    }
  }

  #holdBackAll(): void {
    this.#shortages.note(
      `${this.#heldBytes.size} clients send large bodies, and take turns: ${this.#totalBytes} bytes have come`,
    );
    this.#first = this.#largest();
    for (const gatherer of this.#heldBytes.keys()) {
      if (gatherer !== this.#first) gatherer.holdBack();
    }
    this.#startTurn();
  }

  /** A body is done: the next one's turn. */
  #takeTurn(last: BodyGatherer): void {
    const first = this.#largest();
    this.#first = first;
    this.#startTurn();
    if (first === last) return;
    if (this.#heldBytes.has(last)) last.holdBack();
    first?.goOn();
  }

  #letAllGoOn(): void {
    this.#turn?.cancel();
    this.#first = null;
    // Whoever goes on may be done at once, and others may be held back again by what it notes.
    for (const gatherer of [...this.#heldBytes.keys()]) {
      if (!this.isHeldBack(gatherer)) gatherer.goOn();
    }
  }

  #startTurn(): void {
    this.#turn?.cancel();
    const first = this.#first;
    if (first === null) return;
    this.#turn = this.#clock.after(TURN_MS, () => {
      if (!first.giveUp()) {
        this.#startTurn();
        return;
      }
      this.#logger.warn(`gave up ${first}: others wait, and its body takes too long`);
      this.note(first, 0);
    });
    this.#turn.unref();
  }

  #largest(): BodyGatherer | null {
    let largest: BodyGatherer | null = null;
    let most = 0;
    for (const [gatherer, bytes] of this.#heldBytes) {
      if (bytes <= most) continue;
      most = bytes;
      largest = gatherer;
    }
    return largest;
  }
}
