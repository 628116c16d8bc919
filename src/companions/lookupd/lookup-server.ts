/**
 * Listens for producers and owns their connections.
 *
 * Thread: main. Source: nsqlookupd `tcpServer`.
 */

import { createServer, type Server, type Socket } from 'node:net';
import type { ConnectionLimit } from '../../daemon/connection-limit.ts';
import type { Sender } from '../../daemon/guard.ts';
import { type ListenAddress, type Listening, listen } from '../../daemon/listen-address.ts';
import { LookupConnection } from './lookup-connection.ts';
import type { LookupContext } from './lookup-context.ts';

/** Connections that the system queues before they are accepted: after a restart all brokers connect at once. */
const BACKLOG = 1024;
/** How long a connection may be silent before the system sends keep-alive probes, as in Go. */
const PROBE_AFTER_MS = 15_000;

export class LookupServer {
  readonly #server: Server;
  readonly #context: LookupContext;
  readonly #limit: ConnectionLimit;
  readonly #connections = new Set<LookupConnection>();

  constructor(context: LookupContext, limit: ConnectionLimit) {
    this.#context = context;
    this.#limit = limit;
    const options = {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_AFTER_MS,
    };
    this.#server = createServer(options, (socket) => {
      context.guard.around(nameless(socket), () => this.#accept(socket))();
    });
  }

  /** Listens. Errors: rejects with the system's error. */
  async listen(address: ListenAddress): Promise<Listening> {
    const listening = await listen(this.#server, address, { backlog: BACKLOG });
    this.#server.on('error', (error) => this.#limit.noteFailure('TCP', error));
    return listening;
  }

  /** Accepts no more connections and closes all existing ones. */
  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
    this.#context.refused.close();
  }

  #accept(socket: Socket): void {
    if (!this.#limit.tryEnter('TCP')) {
      socket.on('error', () => socket.destroy());
      socket.destroy();
      return;
    }
    socket.once('close', () => this.#limit.leave());
    const connection = new LookupConnection(socket, this.#context, () => {
      this.#connections.delete(connection);
    });
    this.#connections.add(connection);
  }
}

/** A connection before IDENTIFY. */
function nameless(socket: Socket): Sender {
  return { destroy: () => socket.destroy(), toString: () => 'a new TCP client' };
}
