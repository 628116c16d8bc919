/**
 * A request on the fast lane, as the endpoints that publish see it: its body is there already, as a copy, since the
 * bytes that it came in are overwritten by the next read.
 *
 * Thread: main.
 */

import type { Answer } from '../../../daemon/http/answer.ts';
import type { GatheredBody } from '../../../daemon/http/request-body.ts';
import { INTERNAL_ERROR } from '../../../daemon/http/server-refusals.ts';
import { SIZE_BYTES } from '../../../shared/limits.ts';
import { spareBuffers } from '../../tcp/spare-buffers.ts';
import type { PublishExchange } from '../publish-endpoints.ts';

/** A smaller body is cheaper in memory that is left to the garbage collector. */
const SPARE_BYTES_MIN = 4096;

/** What a request needs of its connection. */
export interface LaneRequestOwner {
  /** A request has its answer. The connection may have ended before. */
  answer(request: LaneRequest, answer: Answer): void;
  /** So many bytes are held until the answer. */
  hold(bytes: number): void;
  /** Handling a request has thrown. */
  noteFailure(error: unknown): void;
}

export class LaneRequest implements PublishExchange {
  readonly rawQuery: string;

  readonly #owner: LaneRequestOwner;
  /** The body, behind room for the size of a message. */
  readonly #room: Buffer;
  /** Memory of a large body, which is used again. */
  readonly #spare: Buffer | undefined;

  constructor(owner: LaneRequestOwner, rawQuery: string, bodyBytes: number) {
    const bytes = SIZE_BYTES + bodyBytes;
    this.#owner = owner;
    this.rawQuery = rawQuery;
    this.#spare = bytes < SPARE_BYTES_MIN ? undefined : spareBuffers.take(bytes);
    this.#room = this.#spare?.subarray(0, bytes) ?? Buffer.allocUnsafe(bytes);
  }

  /** Takes the body, or the next part of it. Returns where the part behind it begins. */
  fill(source: Buffer, at: number, end: number, bodyAt: number): number {
    return bodyAt + source.copy(this.#room, SIZE_BYTES + bodyAt, at, end);
  }

  /** It has its answer, and nobody needs its body any more. */
  release(): void {
    if (this.#spare !== undefined) spareBuffers.give(this.#spare);
  }

  /** No body on the lane is beyond what its endpoint allows. */
  isBeyond(): boolean {
    return false;
  }

  gather(prefixBytes: number, _limitBytes: number, onGathered: (body: GatheredBody) => void): void {
    const room = this.#room;
    const bytes = prefixBytes === SIZE_BYTES ? room : room.subarray(SIZE_BYTES - prefixBytes);
    try {
      onGathered({ bytes, isWhole: true });
    } catch (error) {
      this.fail(error);
    }
  }

  hold(bytes: number): void {
    this.#owner.hold(bytes);
  }

  answer(answer: Answer): void {
    this.#owner.answer(this, answer);
  }

  fail(error: unknown): void {
    this.answer(INTERNAL_ERROR);
    this.#owner.noteFailure(error);
  }
}
