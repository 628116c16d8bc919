/**
 * Listens for HTTP and passes each request to a handler; it knows nothing about endpoints.
 *
 * Thread: main.
 * Source: Go's `http.Server` as nsqd uses it. nsqd has no timeouts. Here too a client may be idle between requests
 * for any time, but a request, once begun, must finish within a limit, so that slow clients cannot occupy
 * connections.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { type AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { Guard } from '../guard.ts';
import { type ListenAddress, type Listening, listen } from '../listen-address.ts';
import type { Logger } from '../log.ts';
import { RefusedSockets } from '../refused-sockets.ts';
import { type SharedPlace, SharedPort } from '../shared-port.ts';
import { shareReads, stopSharing } from '../shared-reads.ts';
import type { TlsContext } from '../tls/tls-context.ts';
import type { Answer } from './answer.ts';
import { bareLineRequest } from './bare-line-request.ts';
import { Connection } from './connection.ts';
import type { Listener, Request } from './exchange.ts';
import { FinalSocket } from './final-socket.ts';
import { httpSender } from './http-sender.ts';
import { isLoopback } from './loopback.ts';
import { createServer } from './node-http.ts';
import { isParserPaused } from './parser-pause.ts';
import { framingRefusal, hasUnknownExpectation } from './request-framing.ts';
import { RequestTurns } from './request-turns.ts';
import { EXPECTATION_FAILED, TOO_MANY_CONNECTIONS } from './server-refusals.ts';
import type { UnfinishedHeads } from './unfinished-heads.ts';
import { VersionedResponse } from './versioned-response.ts';

/** Decides whether another connection may be served. `listener` names the server in the log. */
interface ConnectionCount {
  tryEnter(listener: 'HTTP'): boolean;
  leave(): void;
  noteFailure(listener: 'HTTP', error: Error): void;
}

/**
 * Passes a connection to Node's server, which resumes it. `hasShortHead`: its input begins with a whole head, a short
 * one.
 */
export type Leave = (socket: Socket | FinalSocket, hasShortHead: boolean) => void;

/** Serves connections at less cost than Node's server, while they carry only requests that it knows. */
export interface FastLane {
  /**
   * Takes over a socket that shares reads. `leave` returns it with its remaining input when the lane does not know a
   * request.
   */
  take(socket: Socket, listener: Listener, leave: Leave): void;
  /** Closes idle connections, and the others after their answer. */
  close(): void;
}

/** The dependencies of a server. */
export interface HttpServerSetup {
  /** Answers a request, now or later. */
  readonly handle: (request: Request) => void;
  /** The answer to CONNECT. nsqd keeps the connection open, which Node does not support. */
  readonly refuseConnect: (target: string) => Answer;
  readonly clock: Clock;
  readonly limit: ConnectionCount;
  /** Bounds heads that arrive in part; several servers may share it. */
  readonly heads: UnfinishedHeads;
  /** Closes a connection whose input causes an exception. */
  readonly guard: Guard;
  /** Null for plain HTTP. */
  readonly tls: TlsContext | null;
  /** Serves connections first; undefined if Node's server serves all of them. */
  readonly lane?: FastLane | undefined;
}

/** Time for the headers of a request, and for the first request of a connection. */
const HEADERS_TIMEOUT_MS = 60_000;
/** Time for a whole request, body included. */
const REQUEST_TIMEOUT_MS = 300_000;
/** How often these two are checked. */
const TIMEOUT_CHECK_MS = 10_000;
/** Most bytes of a request's head; NSQ's own requests have a few hundred. */
const HEADER_BYTES_MAX = 64 * 1024;
/** How long a connection is silent before the system sends keep-alive probes, as in Go. */
const PROBE_AFTER_MS = 15_000;

const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: PROBE_AFTER_MS,
};

const SERVER_OPTIONS = {
  ...SOCKET_OPTIONS,
  keepAliveTimeout: 0,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  maxHeaderSize: HEADER_BYTES_MAX,
  requireHostHeader: false,
  ServerResponse: VersionedResponse,
};

/** A plain connection may be half-open. */
const PLAIN_OPTIONS = { ...SERVER_OPTIONS, allowHalfOpen: true };
const PLAIN_SOCKET_OPTIONS = { ...SOCKET_OPTIONS, allowHalfOpen: true };

export class HttpServer {
  readonly #handle: (request: Request) => void;
  readonly #refuseConnect: HttpServerSetup['refuseConnect'];
  readonly #clock: Clock;
  readonly #limit: ConnectionCount;
  readonly #heads: UnfinishedHeads;
  readonly #guard: Guard;
  readonly #turns = new RequestTurns();
  readonly #refused: RefusedSockets;
  readonly #isPlain: boolean;
  readonly #lane: FastLane | undefined;
  readonly #server: Server | SecureServer;
  readonly #shared: SharedPort;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new WeakMap<Socket, Connection>();
  #listener: Listener = { isUnixSocket: false, isLoopback: false };
  /** Set when the listener closes; resolves when the last connection has closed. */
  #closed: Promise<void> | undefined;

  constructor(setup: HttpServerSetup) {
    this.#handle = setup.handle;
    this.#refuseConnect = setup.refuseConnect;
    this.#clock = setup.clock;
    this.#limit = setup.limit;
    this.#heads = setup.heads;
    this.#guard = setup.guard;
    this.#refused = new RefusedSockets(setup.clock);
    this.#isPlain = setup.tls === null;
    this.#lane = setup.lane;
    const server = makeServer(setup.tls);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#onRequest(request, response, false);
    });
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      this.#onRequest(request, response, true);
    });
    // By default Node answers and keeps the connection.
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      this.#onRequest(request, response, false);
    });
    server.on('connect', (request: IncomingMessage, socket: Socket) => {
      this.#onConnect(request, socket);
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      this.#onClientError(error, socket);
    });
    this.#listenForConnections(server);
    // A client that has closed its side after its request still waits for the answer. The types declare only
    // documented properties.
    Object.assign(server, { httpAllowHalfOpen: true });
    // The size of a head is bounded anyway; by default Node refuses the 1000th field.
    server.maxHeadersCount = 0;
    this.#server = server;
    const options = this.#isPlain ? PLAIN_SOCKET_OPTIONS : SOCKET_OPTIONS;
    const serve = (socket: Socket): void => void server.emit('connection', socket);
    this.#shared = new SharedPort(options, serve, this.#noteFailure);
  }

  /** Listens. Errors: rejects with the system's error; then there is nothing to stop. */
  async start(address: ListenAddress): Promise<Listening> {
    const listening = await listen(this.#server, address);
    // A failure to accept a connection, for example because no descriptor is left, does not end the broker.
    this.#server.on('error', this.#noteFailure);
    this.#listener = listenerAt(this.#server.address());
    return listening;
  }

  /** Listens on a shared port of the same host as well. Errors: as `SharedPort.listen`. */
  share(logger: Pick<Logger, 'info'>, place: SharedPlace): Promise<void> {
    return this.#shared.listen(logger, place);
  }

  /** Whether only this machine reaches it. */
  get isLocal(): boolean {
    return this.#listener.isUnixSocket || this.#listener.isLoopback;
  }

  /** Accepts no new connections and closes idle ones; the others close after their answer. */
  closeListener(): void {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#shared.close();
    this.#lane?.close();
    this.#server.closeIdleConnections();
  }

  /** Closes the listener and all connections, also busy ones, and resolves when they are closed. */
  async stop(): Promise<void> {
    this.closeListener();
    for (const socket of this.#sockets) socket.destroy();
    this.#refused.close();
    await this.#closed;
  }

  readonly #noteFailure = (error: Error): void => this.#limit.noteFailure('HTTP', error);

  /** Keeps Node's own listener for the connections that Node serves. */
  #listenForConnections(server: Server | SecureServer): void {
    if (!this.#isPlain) {
      server.on('connection', (socket: Socket) => {
        this.#guarded(socket, () => void this.#admit(socket));
      });
      server.on('secureConnection', (socket: Socket) => this.#watchHeads(socket, true));
      return;
    }
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    const leave = (socket: Socket | FinalSocket, hasShortHead: boolean): void => {
      if (socket instanceof Socket) stopSharing(socket);
      for (const listener of serve) listener.call(server, socket);
      if (!(socket instanceof Socket)) return;
      this.#watchHeads(socket, hasShortHead);
      if (!isParserPaused(socket)) socket.resume();
    };
    server.on('connection', (socket: Socket | FinalSocket) => {
      if (socket instanceof FinalSocket) leave(socket, true);
      else this.#onPlain(socket, leave);
    });
  }

  #watchHeads(socket: Socket, hasShortHead: boolean): void {
    this.#heads.watch(socket, hasShortHead, () => {
      this.#guarded(socket, () => this.#connection(socket).cutHead());
    });
  }

  /** Disconnects the client if an exception occurs. */
  #guarded(socket: Socket, handle: () => void): void {
    try {
      handle();
    } catch (error) {
      this.#guard.end(httpSender(socket), error);
    }
  }

  #onPlain(socket: Socket, leave: Leave): void {
    this.#guarded(socket, () => {
      const lane = this.#admit(socket) ? this.#lane : undefined;
      if (lane === undefined || !shareReads(socket, true)) leave(socket, true);
      else lane.take(socket, this.#listener, leave);
    });
  }

  /** Counts a connection. Returns whether it may be served. */
  #admit(socket: Socket): boolean {
    if (!this.#limit.tryEnter('HTTP')) {
      // With TLS an answer would require a handshake, which is too expensive.
      if (this.#isPlain) this.#refused.add(socket);
      else socket.destroy();
      return false;
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#limit.leave();
    });
    return true;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const { socket } = request;
    this.#heads.finish(socket);
    if (this.#refused.has(socket)) {
      refuseRequest(response);
      return;
    }
    this.#guarded(socket, () => this.#take(request, response, awaitsContinue));
  }

  #take(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const { socket } = request;
    const unclear = framingRefusal(request);
    if (unclear !== undefined) {
      request.resume();
      this.#connection(socket).end(unclear);
      return;
    }
    if (hasUnknownExpectation(request)) {
      request.resume();
      this.#connection(socket).end(EXPECTATION_FAILED, request.httpVersion);
      return;
    }
    const isLast = this.#closed !== undefined || socket instanceof FinalSocket;
    if (isLast) response.shouldKeepAlive = false;
    const listener = this.#listener;
    this.#connection(socket).take({ request, response, awaitsContinue, listener });
  }

  #onConnect(request: IncomingMessage, socket: Socket): void {
    this.#heads.finish(socket);
    // Node has detached from the socket.
    socket.on('error', () => socket.destroy());
    this.#guarded(socket, () => {
      this.#connection(socket).end(
        framingRefusal(request) ?? this.#refuseConnect(request.url ?? ''),
      );
    });
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    this.#heads.end(socket);
    this.#guarded(socket, () => {
      const connection = this.#connection(socket);
      const bare =
        this.#isPlain && !connection.isRefused ? bareLineRequest(error, socket) : undefined;
      if (bare === undefined) {
        connection.refuse(error.code ?? '');
      } else {
        connection.leave();
        this.#server.emit('connection', new FinalSocket(socket, bare));
      }
    });
  }

  #connection(socket: Socket): Connection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection = new Connection(socket, this.#handle, this.#clock, this.#turns, this.#guard);
    this.#connections.set(socket, connection);
    return connection;
  }
}

/** Answers that there are too many connections, and closes this one. */
function refuseRequest(response: ServerResponse): void {
  const { status, headers, body } = TOO_MANY_CONNECTIONS;
  response.shouldKeepAlive = false;
  response.writeHead(status, headers);
  response.end(body);
}

function makeServer(tls: TlsContext | null): Server | SecureServer {
  if (tls === null) return createServer(PLAIN_OPTIONS);
  const { createServer: createSecureServer } = process.getBuiltinModule('node:https');
  const server = createSecureServer({ ...SERVER_OPTIONS, ...tls.serverOptions() });
  // Not before the handshake: if a client disconnects during it, the server would wait until the handshake times out.
  server.prependListener('secureConnection', (socket) => {
    socket.allowHalfOpen = true;
  });
  tls.attach(server);
  return server;
}

function listenerAt(address: AddressInfo | string | null): Listener {
  const isUnixSocket = typeof address === 'string';
  return { isUnixSocket, isLoopback: !isUnixSocket && isLoopback(address?.address) };
}
