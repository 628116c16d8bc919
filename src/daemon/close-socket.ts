/**
 * Closes a plain socket as soon as the system has its output. Closing ends this side too, so that it needs no system
 * call of its own, which `destroySoon` makes. TLS sockets are not closed like this: the client would get no notice that
 * the output is complete.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';

export function closeSocket(socket: Socket): void {
  if (socket.writableLength === 0) socket.destroy();
  else socket.destroySoon();
}
