/**
 * An HTTP client, as the sender that the guard disconnects.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { Sender } from '../guard.ts';
import { socketAddress } from '../remote-host.ts';

/** The client at the other end of a socket. */
export function httpSender(socket: Socket): Sender {
  const address = socketAddress(socket);
  return {
    destroy: () => socket.destroy(),
    toString: () => `HTTP client ${address}`,
  };
}
