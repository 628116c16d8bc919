/**
 * Reports what Node's HTTP parser reads from a connection, and whether it is within the header fields of a request.
 * Node reports a request only when its head is complete, so this uses private parts of the parser. If Node's internals
 * change, nothing is reported.
 *
 * Thread: main.
 */

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** Node's numbers for the functions that the parser calls. */
const ON_MESSAGE_BEGIN = 0;
const ON_EXECUTE = 5;

/** The private parts of a parser: those functions, and the fields that it has read of a head or of trailers. */
type Parser = {
  [ON_MESSAGE_BEGIN]?: (() => void) | null;
  [ON_EXECUTE]?: ((result: unknown) => void) | null;
  _headers?: unknown[];
};

/** What happens on a connection. */
export interface ParserInputListener {
  /** The first byte of a request was read. */
  onBegin(): void;
  /** The parser has read bytes. `onBegin` and the request events of these bytes came before. */
  onInput(bytes: number): void;
}

/** Reports what is read from a socket that Node's server has just taken, until it closes. */
export function watchParserInput(socket: Socket, listener: ParserInputListener): void {
  const parser = parserOf(socket);
  if (parser === undefined) return;
  parser[ON_MESSAGE_BEGIN] = () => listener.onBegin();
  // The parser reads directly from the handle of most sockets, which then have no `data` events.
  const onExecute = parser[ON_EXECUTE];
  parser[ON_EXECUTE] = (result) => {
    onExecute?.(result);
    if (typeof result === 'number') listener.onInput(result);
  };
  // The socket's own function would stop the parser from reading directly.
  EventEmitter.prototype.on.call(socket, 'data', ({ length }: Buffer) => listener.onInput(length));
}

/** Whether the parser holds header fields of a request that is not complete. */
export function holdsFields(socket: Socket): boolean {
  return (parserOf(socket)?._headers?.length ?? 0) > 0;
}

/** Frees these fields at once; Node does so when the connection is closed, which is later than the next reads. */
export function dropFields(socket: Socket): void {
  const parser = parserOf(socket);
  if (parser !== undefined) parser._headers = [];
}

/** The types declare only the public API. */
function parserOf(socket: Socket): Parser | undefined {
  return (socket as unknown as { parser?: Parser | null }).parser ?? undefined;
}
