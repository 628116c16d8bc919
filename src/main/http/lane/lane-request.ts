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
import type { PublishExchange } from '../publish-endpoints.ts';

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

  constructor(owner: LaneRequestOwner, rawQuery: string, room: Buffer) {
    this.#owner = owner;
    this.rawQuery = rawQuery;
    this.#room = room;
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
