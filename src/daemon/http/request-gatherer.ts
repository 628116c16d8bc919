/**
 * A request whose body arrives in parts, as the bound on the memory of bodies sees it.
 *
 * Thread: main.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { remoteHost } from '../remote-host.ts';
import type { BodyTurns } from './body-turns.ts';
import { httpSender } from './http-sender.ts';
import { pauseParser, resumeParser } from './parser-pause.ts';

/** The client of a connection. HTTP has no authentication, so it is always a guest. */
type RequestClient = { readonly remoteIp: string; readonly isGuest: true };

/** Controls a request while others need memory. */
export interface RequestGatherer {
  readonly client: RequestClient;
  /** Stops reading the body until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the request because it makes no progress. */
  abort(): boolean;
  toString(): string;
}

/** The same for a request of Node's server, also while others need their turn. */
export interface BodyReader extends RequestGatherer {
  /** Stops reading the body until a later turn. */
  yieldTurn(turns: Pick<BodyTurns, 'wait'>): void;
}

/** Bounds the memory of bodies that are incomplete or unanswered. */
export interface BodyMemory {
  /** Reports how much of a body is held and its size when complete; 0 and 0 once it is complete. */
  note(request: RequestGatherer, heldBytes: number, wantedBytes: number, isNext: boolean): void;
  /** The request is over. */
  forget(request: RequestGatherer): void;
}

/** The clients whose connections have sent a body in parts. */
const clients = new WeakMap<Socket, RequestClient>();

/** The controls of this request. */
export function gathererOf(request: IncomingMessage): BodyReader {
  const sender = httpSender(request.socket);
  let isPaused = false;
  let isYielding = false;
  const stop = (): void => {
    // The request alone would take up to two more reads.
    pauseParser(request.socket);
    request.pause();
  };
  const proceed = (): void => {
    if (isPaused || isYielding) return;
    request.resume();
    resumeParser(request.socket);
  };
  return {
    client: clientOf(request.socket),
    pause: () => {
      isPaused = true;
      stop();
    },
    resume: () => {
      isPaused = false;
      proceed();
    },
    yieldTurn: (turns) => {
      if (isYielding) return;
      isYielding = true;
      stop();
      turns.wait(() => {
        isYielding = false;
        proceed();
      });
    },
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
