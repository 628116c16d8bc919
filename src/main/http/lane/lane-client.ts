/**
 * The client of a connection on the fast lane. It is looked up again only when the request's head or the access file
 * has changed.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { ClientOrRefusal } from '../../../daemon/http/endpoints.ts';
import type { KnownClient } from '../../../daemon/http/exchange.ts';
import type { HttpAccess } from '../http-access.ts';

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
  authorize(field: string): ClientOrRefusal | Promise<ClientOrRefusal> {
    const { version } = this.#access;
    if (this.#known !== null && this.#field === field && this.#version === version) {
      return this.#known;
    }
    const decision = this.#access.authorizeField(field, this.#socket, 'publish');
    if (decision instanceof Promise) {
      return decision.then((known) => this.#keep(known, field, version));
    }
    return this.#keep(decision, field, version);
  }

  #keep(decision: ClientOrRefusal, field: string, version: number): ClientOrRefusal {
    this.#known = 'status' in decision ? null : decision;
    this.#field = field;
    this.#version = version;
    return decision;
  }
}
