/**
 * One client's connection: it handles requests one at a time, as Go does, so that a pipelined request sees the
 * effects of earlier ones. Node itself would start them all at once.
 *
 * A pipelined request waits for the answer before it and for a later turn, any request for a later turn if this one has
 * had many. Meanwhile the socket is not read, so no more requests wait than fit into one chunk.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { Guard } from '../guard.ts';
import { type Answer, closingAnswer, reasonPhrase } from './answer.ts';
import type { Request } from './exchange.ts';
import { httpSender } from './http-sender.ts';
import { pauseParser, resumeParser } from './parser-pause.ts';
import type { RequestTurns } from './request-turns.ts';
import { INTERNAL_ERROR } from './server-refusals.ts';

/** How long a refused client has to read the answer. Source: Go's `rstAvoidanceDelay`. */
const LINGER_MS = 500;

/** While the client has this many unread answer bytes, the connection is not read. */
const UNTAKEN_BYTES_MAX = 64 * 1024;

/** Of HTTP, in answers that belong to no request. */
const VERSION = '1.1';
const TIMED_OUT = 'ERR_HTTP_REQUEST_TIMEOUT';
const HEADER_TOO_LARGE = 'HPE_HEADER_OVERFLOW';
/** The client has closed its side within a request. */
const CUT_OFF = 'HPE_INVALID_EOF_STATE';
/** Prefix of the codes of Node's parser. */
const PARSER_ERROR = 'HPE_';

export class Connection {
  readonly #socket: Socket;
  readonly #handle: (request: Request) => void;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #turns: RequestTurns;
  /** Runs the continuation after an answer, guarded. */
  readonly #guarded: (resume: () => void) => void;
  /** The current or the last request, and the turn in which it was handled. */
  #current: Request | undefined;
  #turn = -1;
  readonly #waiting: Request[] = [];
  /** The answer to a request whose body is not valid HTTP. */
  #rejection: { readonly request: Request; readonly answer: Answer } | undefined;
  #isRefused = false;

  constructor(
    socket: Socket,
    handle: (request: Request) => void,
    clock: Pick<Clock, 'after'>,
    turns: RequestTurns,
    guard: Guard,
  ) {
    this.#socket = socket;
    this.#handle = handle;
    this.#clock = clock;
    this.#turns = turns;
    this.#guarded = guard.around(httpSender(socket), (resume) => resume());
  }

  /** Whether further input is ignored. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Leaves the socket to another owner, which answers. */
  leave(): void {
    this.#isRefused = true;
    this.#keepOpenAtEnd();
  }

  /** Handles a request, now or after the earlier ones are answered. */
  take(request: Request): void {
    if (this.#isRefused) {
      // A request may still arrive after the refusal. It is neither answered nor read further.
      this.#socket.pause();
      return;
    }
    const current = this.#current;
    if (current !== undefined && isLast(current)) return;
    const isFree = current === undefined || (this.#waiting.length === 0 && this.#isTaken(current));
    const turn = this.#turns.current();
    if (isFree && turn !== this.#turn && this.#turns.hasRoom) {
      this.#turns.begin();
      this.#turn = turn;
      this.#current = request;
      this.#handle(request);
      return;
    }
    if (this.#waiting.length === 0) {
      if (isFree || current === undefined) this.#inLaterTurn();
      else this.#onceClosed(current, this.#onAnswered);
    }
    this.#waiting.push(request);
    pauseParser(this.#socket);
  }

  /**
   * Closes a connection that sent invalid HTTP or was silent for too long, after the answers to earlier requests. A
   * truncated body is answered like any failure to read one.
   */
  refuse(code: string): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    const answer = refusalOf(code);
    // A client that has sent nothing expects no answer.
    if (answer === undefined || this.#socket.bytesRead === 0) {
      this.#socket.destroy();
      return;
    }
    const last = this.#waiting.at(-1) ?? this.#current;
    if (last === undefined || last.request.complete) {
      this.#sendBehind(last, answer);
      return;
    }
    if (last.response.headersSent) {
      // The request is answered, and the input belongs to its body: a second answer would belong to no request.
      if (last.response.writableFinished) this.#end('');
      else this.#onceClosed(last, () => this.#end(''));
      return;
    }
    this.#rejection = { request: last, answer: code === CUT_OFF ? INTERNAL_ERROR : answer };
    if (last === this.#current) this.#sendRejection(this.#rejection.answer, last);
  }

  /**
   * Closes a connection whose head is incomplete because others need its memory. Unlike `refuse`, it does not wait for
   * anything: the parser keeps the head until the connection is closed.
   */
  cutHead(): void {
    const socket = this.#socket;
    const isAnswered = this.#current === undefined || this.#current.response.writableFinished;
    if (this.#isRefused || !isAnswered || socket.writableLength > 0) {
      socket.destroy();
      return;
    }
    this.#isRefused = true;
    pauseParser(socket);
    socket.write(textOf(closingAnswer(408), VERSION));
    socket.destroySoon();
  }

  /**
   * Answers a request that is refused, after the answers to earlier requests, and closes the connection. `version`: of
   * HTTP, for the answer.
   */
  end(answer: Answer, version = VERSION): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    this.#sendBehind(this.#waiting.at(-1) ?? this.#current, answer, version);
  }

  #sendBehind(last: Request | undefined, answer: Answer, version = VERSION): void {
    if (last === undefined || last.response.writableFinished) {
      this.#sendLast(answer, version);
      return;
    }
    this.#keepOpenAtEnd();
    this.#onceClosed(last, () => this.#sendLast(answer, version));
  }

  /** When the client ends its side, Node would close the connection before the pending answers are sent. */
  #keepOpenAtEnd(): void {
    this.#socket.removeAllListeners('end');
  }

  #onceClosed({ response }: Request, resume: () => void): void {
    response.once('close', () => this.#guarded(resume));
  }

  /** Whether the answer is sent and the client keeps reading. */
  #isTaken({ response }: Request): boolean {
    if (response.writableFinished) return true;
    return response.writableEnded && this.#socket.writableLength <= UNTAKEN_BYTES_MAX;
  }

  readonly #onAnswered = (): void => {
    if (this.#turns.current() === this.#turn || !this.#turns.hasRoom) this.#inLaterTurn();
    else this.#next();
  };

  #inLaterTurn(): void {
    this.#turns.wait(() => this.#guarded(() => this.#next()));
  }

  #next(): void {
    const request = this.#waiting.shift();
    if (request === undefined || !this.#socket.writable) return;
    if (this.#current !== undefined && isLast(this.#current)) return;
    this.#turns.begin();
    this.#turn = this.#turns.current();
    this.#current = request;
    if (this.#waiting.length > 0) this.#onceClosed(request, this.#onAnswered);
    else resumeParser(this.#socket);
    if (this.#rejection?.request === request) this.#sendRejection(this.#rejection.answer, request);
    else this.#handle(request);
  }

  #sendRejection(answer: Answer, { response }: Request): void {
    response.shouldKeepAlive = false;
    response.writeHead(answer.status, reasonPhrase(answer.status), answer.headers);
    response.end(answer.body);
  }

  /** Writes an answer that belongs to no request, and waits briefly for the client to close. */
  #sendLast(answer: Answer, version: string): void {
    const socket = this.#socket;
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    this.#end(textOf(answer, version));
  }

  /** Closes the connection after a last text, and waits briefly for the client to close. */
  #end(text: string): void {
    const socket = this.#socket;
    socket.end(text);
    // Closing with unread bytes would reset the connection, and the client might not see the answer. So the socket is
    // still read: Node's parser has failed and drops the input, with an error for each piece.
    resumeParser(socket);
    // Not the socket's own timeout, which a client could extend by sending.
    const timer = this.#clock.after(LINGER_MS, () => socket.destroy());
    timer.unref();
    socket.once('close', () => timer.cancel());
  }
}

/** Whether its answer announces that the connection closes: a later request would have an effect but no answer. */
function isLast({ response }: Request): boolean {
  return response.headersSent && !response.shouldKeepAlive;
}

/** An answer that belongs to no request, as it is sent. */
function textOf({ status, headers, body, reason }: Answer, version: string): string {
  let head = `HTTP/${version} ${status} ${reason ?? reasonPhrase(status)}\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    head += `${headers[index]}: ${headers[index + 1]}\r\n`;
  }
  return `${head}\r\n${body}`;
}

/** Undefined if the client cannot be answered. Source: Go's `conn.serve`. */
function refusalOf(code: string): Answer | undefined {
  if (code === TIMED_OUT) return closingAnswer(408);
  if (code === HEADER_TOO_LARGE) return closingAnswer(431);
  return code.startsWith(PARSER_ERROR) ? closingAnswer(400) : undefined;
}
