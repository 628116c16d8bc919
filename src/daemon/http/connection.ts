/**
 * One client's connection: lets its requests be handled one after the other, as Go does, so that a client that does
 * not wait for answers finds the effects of its earlier requests. Node itself would start them all.
 *
 * A request that comes too early waits, and meanwhile nothing is read from the socket: no more wait than fit into
 * one chunk.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { Guard } from '../guard.ts';
import { type Answer, closingAnswer, reasonPhrase } from './answer.ts';
import type { Request } from './exchange.ts';
import { httpSender } from './http-sender.ts';
import { INTERNAL_ERROR } from './server-refusals.ts';

/** How long a client has to read why it is being refused. Source: Go's `rstAvoidanceDelay`. */
const LINGER_MS = 500;

/** While the client has this many bytes of answers to take, the connection is not read. */
const UNTAKEN_BYTES_MAX = 64 * 1024;

const TIMED_OUT = 'ERR_HTTP_REQUEST_TIMEOUT';
const HEADER_TOO_LARGE = 'HPE_HEADER_OVERFLOW';
/** A client has ended its side within a request. */
const CUT_OFF = 'HPE_INVALID_EOF_STATE';
/** What Node's parser finds wrong begins with this. */
const PARSER_ERROR = 'HPE_';

export class Connection {
  readonly #socket: Socket;
  readonly #handle: (request: Request) => void;
  readonly #clock: Pick<Clock, 'after'>;
  /** Calls what goes on when an answer is sent. */
  readonly #guarded: (resume: () => void) => void;
  /** The request that was handled last, or is being handled. */
  #current: Request | undefined;
  readonly #waiting: Request[] = [];
  /** The answer to a request whose body turned out not to be HTTP. */
  #verdict: { readonly request: Request; readonly answer: Answer } | undefined;
  #isRefused = false;

  constructor(
    socket: Socket,
    handle: (request: Request) => void,
    clock: Pick<Clock, 'after'>,
    guard: Guard,
  ) {
    this.#socket = socket;
    this.#handle = handle;
    this.#clock = clock;
    this.#guarded = guard.around(httpSender(socket), (resume) => resume());
  }

  /** Whether nothing more that comes is handled. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Leaves the socket to somebody else, who answers. */
  leave(): void {
    this.#isRefused = true;
  }

  /** Handles a request, now or when those before it are answered. */
  take(request: Request): void {
    if (this.#isRefused) {
      // What came too late may come after all. Nobody answers it, and no more of it is read.
      this.#socket.pause();
      return;
    }
    const current = this.#current;
    if (current !== undefined && isLast(current)) return;
    if (current === undefined || (this.#waiting.length === 0 && this.#isTaken(current))) {
      this.#current = request;
      this.#handle(request);
      return;
    }
    if (this.#waiting.length === 0) this.#onceClosed(current, () => this.#next());
    this.#waiting.push(request);
    this.#socket.pause();
  }

  /**
   * Ends a connection on which something came that is not HTTP, or nothing came for too long. What was asked before
   * is answered first. A body that ends too early is answered like any failure to read one.
   */
  refuse(code: string): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    const answer = refusalOf(code);
    // A client that connected and has not said a word expects no answer.
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
      // It has its answer, and what came is of its body: a second one would belong to no request.
      if (last.response.writableFinished) this.#end('');
      else this.#onceClosed(last, () => this.#end(''));
      return;
    }
    this.#verdict = { request: last, answer: code === CUT_OFF ? INTERNAL_ERROR : answer };
    if (last === this.#current) this.#sendVerdict(this.#verdict.answer, last);
  }

  /** Ends a connection with an answer to a request that is refused, after the answers to earlier requests. */
  end(answer: Answer): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    this.#sendBehind(this.#waiting.at(-1) ?? this.#current, answer);
  }

  #sendBehind(last: Request | undefined, answer: Answer): void {
    if (last === undefined || last.response.writableFinished) this.#sendLast(answer);
    else this.#onceClosed(last, () => this.#sendLast(answer));
  }

  #onceClosed({ response }: Request, resume: () => void): void {
    response.once('close', () => this.#guarded(resume));
  }

  /** Whether the answer is given, and the client takes what it is sent. */
  #isTaken({ response }: Request): boolean {
    if (response.writableFinished) return true;
    return response.writableEnded && this.#socket.writableLength <= UNTAKEN_BYTES_MAX;
  }

  #next(): void {
    const request = this.#waiting.shift();
    if (request === undefined || !this.#socket.writable) return;
    if (this.#current !== undefined && isLast(this.#current)) return;
    this.#current = request;
    if (this.#waiting.length > 0) this.#onceClosed(request, () => this.#next());
    else this.#socket.resume();
    if (this.#verdict?.request === request) this.#sendVerdict(this.#verdict.answer, request);
    else this.#handle(request);
  }

  #sendVerdict(answer: Answer, { response }: Request): void {
    response.shouldKeepAlive = false;
    response.writeHead(answer.status, reasonPhrase(answer.status), answer.headers);
    response.end(answer.body);
  }

  /** Writes an answer that belongs to no request, and waits briefly for the client to close its side. */
  #sendLast({ status, headers, body }: Answer): void {
    const socket = this.#socket;
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    let head = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
    for (let index = 0; index < headers.length; index += 2) {
      head += `${headers[index]}: ${headers[index + 1]}\r\n`;
    }
    this.#end(`${head}\r\n${body}`);
  }

  /** Ends the connection after a last text, and waits briefly for the client to close its side. */
  #end(text: string): void {
    const socket = this.#socket;
    socket.end(text);
    // Closing with unread bytes would reset the connection, and the client might not see the answer. So what still
    // comes is read: Node's parser, once it has failed, drops it, and says so with each piece.
    socket.resume();
    // Not the socket's own timeout, which a client that goes on sending puts off.
    const timer = this.#clock.after(LINGER_MS, () => socket.destroy());
    timer.unref();
    socket.once('close', () => timer.cancel());
  }
}

/** Whether its answer says that the connection closes: a later request would have an effect and no answer. */
function isLast({ response }: Request): boolean {
  return response.headersSent && !response.shouldKeepAlive;
}

/** Undefined when there is nobody who understands an answer. Source: Go's `conn.serve`. */
function refusalOf(code: string): Answer | undefined {
  if (code === TIMED_OUT) return closingAnswer(408);
  if (code === HEADER_TOO_LARGE) return closingAnswer(431);
  return code.startsWith(PARSER_ERROR) ? closingAnswer(400) : undefined;
}
