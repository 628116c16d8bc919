/**
 * A request on the fast lane, as the publish endpoints see it. Its body is complete: a copy, because the next read
 * overwrites the input buffer.
 *
 * Thread: main.
 */

import type { Answer } from '../../../daemon/http/answer.ts';
import type { KnownClient } from '../../../daemon/http/exchange.ts';
import type { GatheredBody } from '../../../daemon/http/request-body.ts';
import { INTERNAL_ERROR } from '../../../daemon/http/server-refusals.ts';
import { SIZE_BYTES } from '../../../shared/limits.ts';
import { spareBuffers } from '../../tcp/spare-buffers.ts';
import type { PublishExchange } from '../publish-endpoints.ts';

/** For a smaller body a fresh buffer is cheaper than a reused one. */
const SPARE_BYTES_MIN = 4096;

/** What a request needs from its connection. */
export interface LaneRequestOwner {
  /** Sends the answer to a request. The connection may have closed before. */
  answer(request: LaneRequest, answer: Answer): void;
  /** The request holds this many bytes until the answer. */
  hold(bytes: number): void;
  /** The handler of a request has thrown. */
  noteFailure(error: unknown): void;
}

export class LaneRequest implements PublishExchange {
  readonly rawQuery: string;
  /** Null where every client may publish. */
  client: KnownClient | null = null;

  readonly #owner: LaneRequestOwner;
  /** The body, after room for a message's size field. */
  readonly #room: Buffer;
  /** Memory for large bodies, which is reused. */
  readonly #spare: Buffer | undefined;

  constructor(owner: LaneRequestOwner, rawQuery: string, bodyBytes: number) {
    const bytes = SIZE_BYTES + bodyBytes;
    this.#owner = owner;
    this.rawQuery = rawQuery;
    this.#spare = bytes < SPARE_BYTES_MIN ? undefined : spareBuffers.take(bytes);
    this.#room = this.#spare?.subarray(0, bytes) ?? Buffer.allocUnsafe(bytes);
  }

  /** Copies the body, or the next part of it. Returns where the following part begins. */
  fill(source: Buffer, at: number, end: number, bodyAt: number): number {
    return bodyAt + source.copy(this.#room, SIZE_BYTES + bodyAt, at, end);
  }

  /** The request is answered, and its body is no longer needed. */
  release(): void {
    if (this.#spare !== undefined) spareBuffers.give(this.#spare);
  }

  /** Bodies on the lane never exceed the limit of their endpoint. */
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

  /** The body waits for something other than a pump. */
  holdBody(): void {
    this.#owner.hold(this.#room.length);
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
