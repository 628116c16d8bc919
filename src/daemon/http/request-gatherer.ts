/**
 * A request whose body comes in parts, as what bounds the memory for bodies sees it.
 *
 * Thread: main.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { remoteHost } from '../remote-host.ts';
import { httpSender } from './http-sender.ts';

/** The client of a connection. HTTP does not say who it is, so it is always a guest. */
type RequestClient = { readonly remoteIp: string; readonly isGuest: true };

/** What is done with a request while others need memory. */
export interface RequestGatherer {
  readonly client: RequestClient;
  /** Reads nothing more for now. */
  pause(): void;
  resume(): void;
  /** Ends, because it makes no progress. */
  abort(): boolean;
  toString(): string;
}

/** Bounds what has come of bodies. */
export interface BodyMemory {
  /** How much of a body is held, and how much it takes when it is complete; 0 of 0 when it is. */
  note(request: RequestGatherer, heldBytes: number, wantedBytes: number, isNext: boolean): void;
  /** Nobody waits for an answer any more. */
  forget(request: RequestGatherer): void;
}

/** The clients of connections that have sent a body in parts. */
const clients = new WeakMap<Socket, RequestClient>();

/** What holds back this request. */
export function gathererOf(request: IncomingMessage): RequestGatherer {
  const sender = httpSender(request.socket);
  return {
    client: clientOf(request.socket),
    pause: () => request.pause(),
    resume: () => request.resume(),
    abort: () => {
      request.destroy();
      return true;
    },
    toString: () => sender.toString(),
  };
}

function clientOf(socket: Socket): RequestClient {
  const known = clients.get(socket);
  if (known !== undefined) return known;
  const client = { remoteIp: remoteHost(socket), isGuest: true } as const;
  clients.set(socket, client);
  return client;
}
