/**
 * Listens for TCP clients and owns their connections.
 *
 * Thread: main. Source: nsqd `tcpServer`.
 */

import { createServer, type Server, type Socket } from 'node:net';
import type { ConnectionLimit } from '../../daemon/connection-limit.ts';
import type { Sender } from '../../daemon/guard.ts';
import { type ListenAddress, type Listening, listen } from '../../daemon/listen-address.ts';
import type { Logger } from '../../daemon/log.ts';
import { RefusedSockets } from '../../daemon/refused-sockets.ts';
import { type SharedPlace, SharedPort } from '../../daemon/shared-port.ts';
import { shareReads } from '../../daemon/shared-reads.ts';
import { ClientError } from '../../protocol/client-error.ts';
import { errorFrame } from '../../protocol/frames.ts';
import type { ClientNumbers } from './client.ts';
import { Connection } from './connection.ts';
import type { ConnectionContext } from './connection-context.ts';

/** Connections that the system queues before they are accepted. */
const BACKLOG = 1024;
const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true };

export class TcpServer {
  readonly #server: Server;
  readonly #shared: SharedPort;
  readonly #context: ConnectionContext<Connection>;
  readonly #logger: Logger;
  readonly #connections = new Map<number, Connection>();
  readonly #limit: ConnectionLimit;
  readonly #numbers: ClientNumbers;
  readonly #refused: RefusedSockets;

  constructor(
    context: Omit<ConnectionContext<Connection>, 'onClosed'>,
    limit: ConnectionLimit,
    numbers: ClientNumbers,
  ) {
    this.#logger = context.logger;
    this.#limit = limit;
    this.#numbers = numbers;
    this.#refused = new RefusedSockets(context.clock);
    this.#context = {
      ...context,
      onClosed: (connection) => {
        this.#connections.delete(connection.number);
        limit.leave();
        this.#logger.info(`TCP: closed client(${connection})`);
      },
    };
    const onSocket = (socket: Socket): void => {
      try {
        this.#accept(socket);
      } catch (error) {
        context.guard.end(nameless(socket), error);
      }
    };
    this.#server = createServer(SOCKET_OPTIONS, onSocket);
    this.#shared = new SharedPort(SOCKET_OPTIONS, onSocket, this.#noteFailure);
  }

  /** The connection with this number, if it still exists. */
  get(number: number): Connection | undefined {
    return this.#connections.get(number);
  }

  /** How many there are. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  *clients(): Iterable<Connection['client']> {
    for (const connection of this.#connections.values()) yield connection.client;
  }

  /** Listens. Errors: rejects with the system's error. */
  async listen(address: ListenAddress): Promise<Listening> {
    const listening = await listen(this.#server, address, { backlog: BACKLOG });
    this.#server.on('error', this.#noteFailure);
    return listening;
  }

  /** Listens on a shared port as well. Errors: as `SharedPort.listen`. */
  share(place: SharedPlace): Promise<void> {
    return this.#shared.listen(this.#logger, place);
  }

  /** Accepts no more connections and closes all existing ones. */
  close(): void {
    this.#server.close();
    this.#shared.close();
    for (const connection of this.#connections.values()) connection.destroy();
    this.#refused.close();
  }

  readonly #noteFailure = (error: Error): void => this.#limit.noteFailure('TCP', error);

  #accept(socket: Socket): void {
    if (!this.#limit.tryEnter('TCP')) {
      const text = `there are ${this.#limit.max} connections, which is the limit`;
      const { data } = new ClientError('E_TOO_MANY_CONNECTIONS', text);
      this.#refused.dismiss(socket, errorFrame(data));
      return;
    }
    shareReads(socket);
    const connection = this.#connect(socket);
    this.#connections.set(connection.number, connection);
    this.#logger.info(`TCP: new client(${connection})`);
  }

  #connect(socket: Socket): Connection {
    try {
      return new Connection(this.#numbers.next(), socket, this.#context);
    } catch (error) {
      // This socket never becomes a connection that would report its end.
      this.#limit.leave();
      socket.destroy();
      throw error;
    }
  }
}

/** A socket without a client identity. */
function nameless(socket: Socket): Sender {
  return { destroy: () => socket.destroy(), toString: () => 'a new TCP client' };
}
