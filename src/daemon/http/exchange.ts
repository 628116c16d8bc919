/**
 * One request and its answer.
 *
 * Thread: main.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import type { Guard } from '../guard.ts';
import type { Logger } from '../log.ts';
import { remoteHost, socketAddress } from '../remote-host.ts';
import { type Answer, reasonPhrase } from './answer.ts';
import type { BodyTurns } from './body-turns.ts';
import { EventStream } from './event-stream.ts';
import { httpSender } from './http-sender.ts';
import { isLoopback } from './loopback.ts';
import { PiecewiseAnswer } from './piecewise-answer.ts';
import { declaredBytes, type GatheredBody, gatherBody } from './request-body.ts';
import { type BodyMemory, type BodyReader, gathererOf } from './request-gatherer.ts';
import type { RequestLog } from './request-log.ts';
import { INTERNAL_ERROR } from './server-refusals.ts';

/** The request, as the server hands it over. */
export type Request = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether the client waits for permission to send its body (`Expect: 100-continue`). */
  readonly awaitsContinue: boolean;
  readonly listener: Listener;
};

/** The listener that a request arrived on. */
export type Listener = {
  readonly isUnixSocket: boolean;
  /** Whether only this machine can reach it. */
  readonly isLoopback: boolean;
};

/** The sender of a request, if the server requires credentials. */
export interface KnownClient {
  /** Whether it may do everything. */
  readonly isAdmin: boolean;
  /** The names of its roles. */
  readonly roles: readonly string[];
  mayPublish(topic: string): boolean;
}

/** What all exchanges share. */
export type ExchangeSetup = {
  readonly logger: Logger;
  /** Counts requests whose handler threw. */
  readonly guard: Guard;
  readonly bodies: BodyMemory;
  /** Called with the status of each answer. */
  readonly countAnswer: (status: number) => void;
  /** Compresses an answer if the client accepts that; missing if answers are not compressed. */
  readonly compress?: (answer: Answer, acceptEncoding: string) => Answer | Promise<Answer>;
};

/** The same, and the objects that divide turns among all exchanges. */
type ExchangeContext = ExchangeSetup & { readonly bodyTurns: BodyTurns };

const NOTHING: GatheredBody = { bytes: Buffer.alloc(0), isWhole: false };

/** A refused body up to this size is read to its end. Go does the same with a lower limit. */
const PASSED_BYTES_MAX = 8 * 1024 * 1024;

export class Exchange {
  /** The value of the path's `:name`s, with the slashes between them. */
  readonly param: string;
  /** The text after the `?`, as received. */
  readonly rawQuery: string;
  /** Null where every client may do everything. */
  readonly client: KnownClient | null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #listener: Listener;
  readonly #logger: Logger;
  readonly #guard: Guard;
  readonly #bodies: BodyMemory;
  readonly #bodyTurns: BodyTurns;
  readonly #countAnswer: (status: number) => void;
  readonly #compress: ExchangeSetup['compress'];
  /** Undefined for a request that is not logged. */
  readonly #requestLog: RequestLog | undefined;
  readonly #startMs: number;
  #awaitsContinue: boolean;
  /** Undefined for a body that arrives in one piece. */
  #gatherer: BodyReader | undefined;

  constructor(
    { request, response, awaitsContinue, listener }: Request,
    param: string,
    rawQuery: string,
    { logger, guard, bodies, bodyTurns, countAnswer, compress }: ExchangeContext,
    requestLog: RequestLog | undefined,
    client: KnownClient | null,
  ) {
    this.client = client;
    this.param = param;
    this.rawQuery = rawQuery;
    this.#request = request;
    this.#response = response;
    this.#awaitsContinue = awaitsContinue;
    this.#listener = listener;
    this.#logger = logger;
    this.#guard = guard;
    this.#bodies = bodies;
    this.#bodyTurns = bodyTurns;
    this.#countAnswer = countAnswer;
    this.#compress = compress;
    this.#requestLog = requestLog;
    this.#startMs = requestLog === undefined ? 0 : requestLog.nowMs();
  }

  /** Gathers the body; see `gatherBody`. A body whose declared length exceeds the limit is not read. */
  gather(prefixBytes: number, limitBytes: number, onGathered: (body: GatheredBody) => void): void {
    if (this.isBeyond(limitBytes)) {
      onGathered(NOTHING);
      return;
    }
    if (this.#awaitsContinue) {
      this.#awaitsContinue = false;
      this.#response.writeContinue();
    }
    const wantedBytes = prefixBytes + (declaredBytes(this.#request) ?? limitBytes);
    const sender = httpSender(this.#request.socket);
    gatherBody(this.#request, prefixBytes, limitBytes, {
      guarded: (callback) => this.#guard.around(sender, callback),
      onPart: (bytes, partBytes) => {
        this.#notePart(bytes, wantedBytes);
        if (!this.#bodyTurns.take(partBytes) && bytes > 0) {
          this.#gatherer?.yieldTurn(this.#bodyTurns);
        }
      },
      onGathered: (body) => {
        try {
          onGathered(body);
        } catch (error) {
          this.fail(error);
        }
      },
    });
  }

  /** The complete body holds this many bytes until the answer. */
  hold(bytes: number): void {
    this.#notePart(bytes, bytes);
  }

  /** Whether the declared length of the body exceeds this. */
  isBeyond(limitBytes: number): boolean {
    const declared = declaredBytes(this.#request);
    return declared !== undefined && declared > limitBytes;
  }

  /** Sends the answer. Does nothing if the server has already answered because the body is not valid HTTP. */
  answer(answer: Answer): void {
    if (this.#response.headersSent) return;
    const accepted = this.#compress === undefined ? undefined : this.header('accept-encoding');
    const made = accepted === undefined ? answer : (this.#compress?.(answer, accepted) ?? answer);
    if (made instanceof Promise) {
      made.then((packed) => this.#answer(packed)).catch((error: unknown) => this.fail(error));
    } else {
      this.#answer(made);
    }
  }

  #answer(answer: Answer): void {
    if (this.#hasUnreadBody) this.#afterBody(() => this.#send(answer));
    else this.#send(answer);
  }

  #send(answer: Answer): void {
    const response = this.#response;
    if (response.headersSent) return;
    // A client that got no permission may send its body anyway.
    if (this.#awaitsContinue) response.shouldKeepAlive = false;
    response.writeHead(answer.status, reasonPhrase(answer.status), answer.headers);
    response.end(answer.body);
    this.#note(answer.status);
  }

  /**
   * Whether the connection would close after the answer while more of the body arrives: the system would reset it,
   * and the client might not see the answer.
   */
  get #hasUnreadBody(): boolean {
    if (this.#request.complete || this.#response.shouldKeepAlive || this.#awaitsContinue)
      return false;
    const declared = declaredBytes(this.#request);
    return declared !== undefined && declared <= PASSED_BYTES_MAX;
  }

  /** Reads and drops the rest of the body. A client that disconnects meanwhile needs no answer. */
  #afterBody(done: () => void): void {
    this.#request.once('end', () => {
      try {
        done();
      } catch (error) {
        this.#guard.end(httpSender(this.#request.socket), error);
      }
    });
    this.#request.resume();
  }

  /** Sends the answer of a promise. */
  answerWith(answer: Promise<Answer>): void {
    answer.then((value) => this.answer(value)).catch((error: unknown) => this.fail(error));
  }

  /** Streams a file while it is generated. Its end is the last chunk; a failure closes the connection without it. */
  stream(headers: readonly string[], source: Readable): void {
    if (this.#awaitsContinue) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(200, [...headers]);
    this.#note(200);
    pipeline(source, this.#response, (error) => {
      if (error) this.#logger.error(`failed to send ${this.#request.url} - ${error.message}`);
    });
  }

  /** Whether the client is on this machine. */
  get isFromLoopback(): boolean {
    return this.#listener.isUnixSocket || isLoopback(this.#request.socket.remoteAddress);
  }

  /** A header of the request, by its name in lower case; repeated ones are joined. Undefined if there is none. */
  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Path and query, as received. */
  get target(): string {
    return this.#request.url ?? '';
  }

  /** The client's address, as in the log. */
  get remoteAddress(): string {
    return socketAddress(this.#request.socket);
  }

  /** The client's address without its port; empty for a unix socket. */
  get remoteHost(): string {
    return remoteHost(this.#request.socket);
  }

  /** Calls back when the client closes its side or disconnects, which may already have happened. */
  onEnded(callback: () => void): void {
    const { socket } = this.#request;
    if (socket.readableEnded) callback();
    else socket.once('end', callback);
    this.onClosed(callback);
  }

  /**
   * Sends an answer in pieces, each after the system has accepted the one before. The server may have answered
   * before.
   */
  sendPieces(headers: readonly string[], pieces: readonly Buffer[]): PiecewiseAnswer | undefined {
    if (this.#response.headersSent) return undefined;
    if (this.#awaitsContinue) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(200, [...headers]);
    this.#note(200);
    return new PiecewiseAnswer(this.#response, pieces);
  }

  /** Starts an answer of events. The server may have answered already. */
  sendEvents(): EventStream | undefined {
    if (this.#response.headersSent) return undefined;
    if (this.#awaitsContinue) this.#response.shouldKeepAlive = false;
    this.#note(200);
    return new EventStream(this.#response);
  }

  /** Calls back when the answer is sent or the client has disconnected. */
  onClosed(callback: () => void): void {
    this.#response.once('close', callback);
  }

  /** Answers with an internal error. Errors: rethrows bugs, which end the process. */
  fail(error: unknown): void {
    this.answer(INTERNAL_ERROR);
    this.#guard.note(`panic in HTTP handler - ${httpSender(this.#request.socket)}`, error);
  }

  /** Counts and logs the answer. */
  #note(status: number): void {
    this.#countAnswer(status);
    this.#requestLog?.write(this.#request, status, this.#startMs);
  }

  /** This many bytes of a body have arrived and more follow; 0 when it is complete. */
  #notePart(bytes: number, wantedBytes: number): void {
    if (this.#gatherer === undefined) {
      const gatherer = gathererOf(this.#request);
      this.#gatherer = gatherer;
      this.onClosed(() => this.#bodies.forget(gatherer));
    }
    this.#bodies.note(this.#gatherer, bytes, bytes === 0 ? 0 : wantedBytes, false);
  }
}
