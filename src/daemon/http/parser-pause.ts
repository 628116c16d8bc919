/**
 * Pauses a connection of Node's HTTP server together with its parser. `socket.pause()` has no effect there: after
 * each request the parser resumes the socket, unless the server itself has paused it, which it notes in a private
 * field. If Node's internals change, a paused connection is read further, and its requests wait.
 *
 * Thread: main.
 */

import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** The private parts of a connection: whether the server has paused it, its parser, and the server. */
type Inside = {
  _paused?: boolean;
  parser?: { resume?(): void; finish?(): unknown } | null;
  server?: EventEmitter;
};

/** Stops parsing at the end of the current piece of input. */
export function pauseParser(socket: Socket): void {
  insideOf(socket)._paused = true;
  socket.pause();
}

/** Continues after `pauseParser`. */
export function resumeParser(socket: Socket): void {
  const inside = insideOf(socket);
  if (inside._paused === true) {
    inside._paused = false;
    inside.parser?.resume?.();
    if (socket.readableEnded) setImmediate(() => finish(socket));
  }
  socket.resume();
}

/**
 * Reports a request that the client has not completed, as Node does when the client ends its side. A paused parser
 * takes no notice of that end.
 */
function finish(socket: Socket): void {
  const { parser, server, _paused: isPaused } = insideOf(socket);
  if (socket.destroyed || isPaused === true) return;
  const error = parser?.finish?.();
  if (error instanceof Error) server?.emit('clientError', error, socket);
}

/** Whether it stopped and has not continued. */
export function isParserPaused(socket: Socket): boolean {
  return insideOf(socket)._paused === true;
}

/** The types declare only the public API. */
function insideOf(socket: Socket): Inside {
  return socket as unknown as Inside;
}
