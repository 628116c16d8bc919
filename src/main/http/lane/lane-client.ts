/**
 * The client of a connection on the fast lane. It is looked up again only when the request's head or the access file
 * has changed.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { Answer } from '../../../daemon/http/answer.ts';
import type { KnownClient } from '../../../daemon/http/exchange.ts';
import type { HttpAccess } from '../http-access.ts';

/** A client that may publish, or the refusal. */
type Verdict = KnownClient | Answer;

export class LaneClient {
  readonly #access: HttpAccess;
  readonly #socket: Socket;
  #known: KnownClient | null = null;
  #field = '';
  #version = 0;

  constructor(access: HttpAccess, socket: Socket) {
    this.#access = access;
    this.#socket = socket;
  }

  /** Decides by the header `Authorization`. */
  authorize(field: string): Verdict | Promise<Verdict> {
    const { version } = this.#access;
    if (this.#known !== null && this.#field === field && this.#version === version) {
      return this.#known;
    }
    const verdict = this.#access.authorizeField(field, this.#socket, 'publish');
    if (verdict instanceof Promise) {
      return verdict.then((known) => this.#keep(known, field, version));
    }
    return this.#keep(verdict, field, version);
  }

  #keep(verdict: Verdict, field: string, version: number): Verdict {
    this.#known = 'status' in verdict ? null : verdict;
    this.#field = field;
    this.#version = version;
    return verdict;
  }
}
