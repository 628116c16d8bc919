/**
 * Bounds the bytes of incomplete large bodies, over all connections. Small bodies are neither counted nor delayed.
 *
 * Clients that have identified themselves, by IDENTIFY or, where there are auth servers, by AUTH, share most of it.
 * Guests, which are all others including HTTP clients, share the rest and never delay the former. `BodyShare` keeps
 * each share.
 *
 * Thread: main.
 */

import type { Logger } from '../../daemon/log.ts';
import { RepeatedLog } from '../../daemon/repeated-log.ts';
import type { Clock } from '../../shared/clock.ts';
import { type BodyGatherer, BodyShare, type BodyShareListener } from './body-share.ts';

/** How much each share has. */
export type BodyBounds = { readonly memberBytes: number; readonly guestBytes: number };

/** The size from which a body is large. */
const LARGE_BYTES = 64 * 1024;
const GUEST_PORTION = 1 / 4;

/** Divides the memory for bodies; each share has room for one of the largest, if there is room for two. */
export function bodyBounds(bytes: number, largestBytes: number): BodyBounds {
  const guestBytes = Math.min(bytes / 2, Math.max(bytes * GUEST_PORTION, largestBytes));
  return { memberBytes: bytes - guestBytes, guestBytes };
}

export class BodyMemory {
  readonly #guests: BodyShare;
  readonly #members: BodyShare;

  constructor(bounds: BodyBounds, clock: Clock, logger: Pick<Logger, 'warn'>) {
    const shortages = new RepeatedLog(clock, (text) => logger.warn(text));
    const losses = new RepeatedLog(clock, (text) => logger.warn(text));
    const listener: BodyShareListener = {
      onWaiting: (count) => {
        const who =
          count === 1
            ? '1 client with a large body waits'
            : `${count} clients with large bodies wait`;
        shortages.note(`${who} for memory: ${this.totalBytes} bytes are set aside for others`);
      },
      onAborted: (gatherer) => {
        losses.note(`disconnected ${gatherer}: others wait, and its body makes no progress`);
      },
    };
    this.#guests = new BodyShare(bounds.guestBytes, clock, listener);
    this.#members = new BodyShare(bounds.memberBytes, clock, listener);
  }

  /** Bytes that are reserved for large bodies. */
  get totalBytes(): number {
    return this.#guests.setAsideBytes + this.#members.setAsideBytes;
  }

  /** Whether it must not read now. */
  isPaused(gatherer: BodyGatherer): boolean {
    return this.#guests.isWaiting(gatherer) || this.#members.isWaiting(gatherer);
  }

  /**
   * Reports the held bytes and the size of the incomplete body among them. Call it when either changes. `isNext`: a
   * body was completed since the last call.
   */
  note(gatherer: BodyGatherer, heldBytes: number, wantedBytes: number, isNext: boolean): void {
    const known = this.#shareOf(gatherer);
    if (heldBytes < LARGE_BYTES && wantedBytes < LARGE_BYTES) {
      known?.finish(gatherer);
      return;
    }
    const share = known ?? (gatherer.client.isGuest ? this.#guests : this.#members);
    share.note(gatherer, heldBytes, wantedBytes, isNext);
  }

  /** The connection or request has ended. */
  forget(gatherer: BodyGatherer): void {
    this.#shareOf(gatherer)?.forget(gatherer);
  }

  #shareOf(gatherer: BodyGatherer): BodyShare | undefined {
    if (this.#members.has(gatherer)) return this.#members;
    return this.#guests.has(gatherer) ? this.#guests : undefined;
  }
}
