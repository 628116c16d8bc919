/**
 * A connection on the fast lane: handles publish requests one at a time, and writes their answers with one call at
 * the end of main's turn. At the first byte that it does not expect, it leaves the lane and hands over all input from
 * the beginning of that request.
 *
 * A client that pipelines is throttled when its quota of main's turn is spent, as over TCP (`TurnBudget`).
 *
 * Bound: the input of one read, and one incomplete request; a longer one leaves the lane. While the client does not
 * read its answers, a request waits for its answer, or it is throttled, the connection reads nothing.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import { closeSocket } from '../../../daemon/close-socket.ts';
import type { Sender } from '../../../daemon/guard.ts';
import { type Answer, OK } from '../../../daemon/http/answer.ts';
import type { KnownClient } from '../../../daemon/http/exchange.ts';
import { FinalSocket } from '../../../daemon/http/final-socket.ts';
import type { Leave } from '../../../daemon/http/http-server.ts';
import type { RequestGatherer } from '../../../daemon/http/request-gatherer.ts';
import { remoteHost, socketAddress } from '../../../daemon/remote-host.ts';
import { unshiftPieces } from '../../../daemon/shared-reads.ts';
import { BYTES_PER_COST, ClientQuota, REQUEST_COST } from '../../limits/turn-budget.ts';
import { LaneClient } from './lane-client.ts';
import type { LaneContext } from './lane-context.ts';
import { LaneRequest, type LaneRequestOwner } from './lane-request.ts';
import { FOREIGN, hasShortHead, INCOMPLETE, RequestHead } from './request-head.ts';

/** Initial buffer size for an incomplete request. */
const HELD_BYTES_MIN = 1024;
/** While the client has more unread answer bytes than this, the connection is not read. */
const UNTAKEN_BYTES_MAX = 64 * 1024;

const NO_BYTES = Buffer.alloc(0);

/** Taking requests, waiting for the answer to one, closing after the last answer, or off the lane. */
type State = 'taking' | 'waiting' | 'ending' | 'left';

export class LaneConnection implements LaneRequestOwner, Sender {
  /** How many times the lane has checked it since it began to wait for bytes. */
  lookCount = 0;
  /** What it may still spend in this turn, as `ClientQuota` says. */
  allowance = 0;
  /** Whether no byte has arrived yet. */
  isSilent = true;

  readonly #socket: Socket;
  readonly #context: LaneContext<LaneConnection>;
  readonly #leave: Leave;
  readonly #head: RequestHead;
  /** Null without an access file. */
  readonly #client: LaneClient | null;
  readonly #quota: ClientQuota;
  #state: State = 'taking';
  /** The request that waits for its answer. */
  #current: LaneRequest | undefined;
  #isLast = false;
  /** Input that has not been handled yet: from `#heldAt` to `#heldEnd`. */
  #held: Buffer = NO_BYTES;
  #heldAt = 0;
  #heldEnd = 0;
  /** The size of the request at the beginning of the held bytes, if known. */
  #neededBytes = 0;
  /** Answers that are not written yet: this many `OK`s, after other answers. */
  #okCount = 0;
  #answers: Buffer[] = [];
  #isPending = false;
  /** The client has closed its side. */
  #hasEnded = false;
  /** Accounts for the memory that a waiting request holds. */
  #gatherer: RequestGatherer | undefined;

  constructor(
    socket: Socket,
    context: LaneContext<LaneConnection>,
    isOwnHost: (host: string) => boolean,
    leave: Leave,
  ) {
    this.#socket = socket;
    this.#context = context;
    this.#leave = leave;
    this.#head = new RequestHead(isOwnHost);
    const { guard, access } = context;
    this.#client = access === null ? null : new LaneClient(access, socket);
    this.#onData = guard.around(this, (chunk: Buffer) => this.#take(chunk));
    this.#onEnd = guard.around(this, () => this.#noteEnd());
    this.#resume = guard.around(this, () => this.#readOn());
    this.#quota = new ClientQuota(context.budget, this, this.#resume);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#resume);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  readonly #onData: (chunk: Buffer) => void;
  readonly #onEnd: () => void;
  readonly #resume: () => void;
  readonly #onError = (): void => void this.#socket.destroy();
  readonly #onClose = (): void => {
    this.#state = 'left';
    this.#current = undefined;
    this.#forget();
    this.#context.onGone(this);
  };

  // Called by the lane

  /** Writes the answers of this turn. */
  flush(): void {
    this.#isPending = false;
    if (this.#socket.destroyed) return;
    this.#write();
    if (this.#state === 'ending') closeSocket(this.#socket);
    else if (this.#socket.writableLength > UNTAKEN_BYTES_MAX) this.#socket.pause();
  }

  /** Closes the connection, after the pending answer if there is one. */
  close(): void {
    this.#isLast = true;
    if (this.#state !== 'taking') return;
    if (this.#heldEnd > this.#heldAt) {
      this.leaveLane();
      return;
    }
    this.#state = 'ending';
    this.flush();
  }

  toString(): string {
    return `HTTP client ${socketAddress(this.#socket)}`;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Hands the connection to Node's HTTP server, with all input that has not been handled. */
  leaveLane(): void {
    this.#leaveWith(this.#held.subarray(this.#heldAt, this.#heldEnd));
  }

  #leaveWith(input: Buffer): void {
    const rest = Buffer.from(input);
    const socket = this.#socket;
    this.#state = 'left';
    this.#held = NO_BYTES;
    this.#write();
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#resume);
    socket.off('close', this.#onClose);
    this.#context.onGone(this);
    if (this.#hasEnded) {
      this.#leave(new FinalSocket(socket, rest), true);
      return;
    }
    socket.off('error', this.#onError);
    socket.pause();
    unshiftPieces(socket, rest);
    this.#leave(socket, hasShortHead(rest));
  }

  // Called by a request

  answer(request: LaneRequest, answer: Answer): void {
    if (request !== this.#current) return;
    this.#current = undefined;
    request.release();
    this.#add(answer);
    if (this.#isLast) this.#state = 'ending';
    if (this.#state !== 'waiting') return;
    this.#state = 'taking';
    this.#forget();
    this.#resume();
  }

  hold(bytes: number): void {
    this.#gatherer ??= gathererOf(this.#socket, this);
    this.#context.bodies.note(this.#gatherer, bytes, bytes, false);
  }

  noteFailure(error: unknown): void {
    this.#context.guard.note(`panic in HTTP handler - ${this}`, error);
  }

  // Input

  #take(chunk: Buffer): void {
    if (this.#state === 'ending' || this.#state === 'left') return;
    if (this.isSilent) {
      this.isSilent = false;
      this.lookCount = 0;
    }
    if (this.#state === 'taking' && this.#heldEnd === this.#heldAt) {
      this.#takeRequests(chunk, 0, chunk.length);
      return;
    }
    this.#hold(chunk, 0, chunk.length);
    if (this.#mayTake) this.#takeHeld();
  }

  #takeHeld(): void {
    if (this.#heldEnd - this.#heldAt < this.#neededBytes) return;
    const held = this.#held;
    const { length } = held;
    const at = this.#heldAt;
    const end = this.#heldEnd;
    this.#heldAt = 0;
    this.#heldEnd = 0;
    this.#held = length > 4 * HELD_BYTES_MIN ? NO_BYTES : held;
    this.#takeRequests(held, at, end);
  }

  /** Handles all complete requests and holds the rest. */
  #takeRequests(bytes: Buffer, start: number, end: number): void {
    let at = start;
    this.#quota.renew();
    while (at < end && this.#state === 'taking' && this.allowance > 0) {
      const requestEnd = this.#takeRequest(bytes, at, end);
      if (requestEnd === INCOMPLETE) break;
      if (requestEnd === FOREIGN) {
        this.#leaveWith(bytes.subarray(at, end));
        return;
      }
      at = requestEnd;
    }
    if (this.#state === 'ending' || this.#state === 'left') return;
    if (at < end) this.#hold(bytes, at, end);
    if (at > start || at === end) this.#context.onFinished(this);
    this.#quota.report();
    if (this.#quota.isSpent) this.#quota.throttle();
    if (this.#state === 'waiting' || this.#quota.isThrottled) this.#socket.pause();
    else if (at < end) this.#context.onUnfinished(this);
  }

  /** Returns where the request ends, INCOMPLETE, or FOREIGN. */
  #takeRequest(bytes: Buffer, at: number, end: number): number {
    const head = this.#head;
    this.#neededBytes = 0;
    const bodyAt = head.read(bytes, at, end);
    if (bodyAt <= 0) return bodyAt;
    const bytesMax = this.#context.bodyBytesMax(head.isMany);
    const isDeclared = head.length !== -1;
    let bodyEnd = bodyAt + head.length;
    if (!isDeclared) {
      bodyEnd = this.#context.chunks.read(bytes, bodyAt, end, bytesMax);
      if (bodyEnd <= 0) return bodyEnd;
    } else if (head.length > bytesMax) {
      return FOREIGN;
    } else if (bodyEnd > end) {
      this.#neededBytes = bodyEnd - at;
      return INCOMPLETE;
    }
    const length = isDeclared ? head.length : this.#context.chunks.length;
    this.allowance -= REQUEST_COST + Math.ceil(length / BYTES_PER_COST);
    const request = new LaneRequest(this, head.rawQuery, length);
    if (isDeclared) request.fill(bytes, bodyAt, bodyEnd, 0);
    else this.#context.chunks.copy(bytes, request);
    this.#handle(request);
    return bodyEnd;
  }

  #handle(request: LaneRequest): void {
    const { isMany, isLast, authorization } = this.#head;
    const client = this.#client;
    if (isLast) this.#isLast = true;
    this.#current = request;
    if (client === null) this.#publish(request, isMany);
    else this.#publishFor(client, request, isMany, authorization);
    if (this.#current !== undefined && this.#state === 'taking') this.#state = 'waiting';
  }

  #publish(request: LaneRequest, isMany: boolean): void {
    const { endpoints } = this.#context;
    try {
      if (isMany) endpoints.many(request);
      else endpoints.one(request);
    } catch (error) {
      request.fail(error);
    }
  }

  /** Publishes for a client that may, now or when its secret has been checked. */
  #publishFor(client: LaneClient, request: LaneRequest, isMany: boolean, field: string): void {
    const verdict = client.authorize(field);
    const proceed = (known: KnownClient | Answer): void => {
      // The connection may be gone.
      if (request !== this.#current) return;
      if ('status' in known) {
        request.answer(known);
        return;
      }
      request.client = known;
      this.#publish(request, isMany);
    };
    if (verdict instanceof Promise) {
      request.holdBody();
      verdict.then(proceed, (error) => request.fail(error));
    } else proceed(verdict);
  }

  /** Keeps unhandled input after the held bytes. The input may itself be held bytes. */
  #hold(bytes: Buffer, at: number, end: number): void {
    const heldBytes = this.#heldEnd - this.#heldAt;
    const neededBytes = heldBytes + end - at;
    if (neededBytes > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(HELD_BYTES_MIN, 2 * neededBytes));
      this.#held.copy(larger, 0, this.#heldAt, this.#heldEnd);
      this.#held = larger;
    } else if (this.#heldAt > 0) {
      this.#held.copyWithin(0, this.#heldAt, this.#heldEnd);
    }
    bytes.copy(this.#held, heldBytes, at, end);
    this.#heldAt = 0;
    this.#heldEnd = neededBytes;
  }

  #readOn(): void {
    const socket = this.#socket;
    if (!this.#mayTake || socket.writableLength > UNTAKEN_BYTES_MAX) return;
    this.#takeHeld();
    if (!this.#mayTake) return;
    if (this.#hasEnded) this.#noteEnd();
    else if (socket.isPaused()) socket.resume();
  }

  #noteEnd(): void {
    this.#hasEnded = true;
    if (!this.#mayTake) return;
    if (this.#heldEnd > this.#heldAt) {
      this.leaveLane();
      return;
    }
    this.#state = 'ending';
    this.#request();
  }

  get #mayTake(): boolean {
    return this.#state === 'taking' && !this.#quota.isThrottled;
  }

  // Output

  #add(answer: Answer): void {
    this.#context.countAnswer(answer.status);
    if (answer === OK && !this.#isLast) {
      this.#okCount++;
    } else {
      this.#flushOks();
      this.#context.answers.renew();
      this.#answers.push(this.#context.answers.of(answer, this.#isLast));
    }
    this.#request();
  }

  #request(): void {
    if (this.#isPending) return;
    this.#isPending = true;
    this.#context.onPending(this);
  }

  #flushOks(): void {
    const count = this.#okCount;
    if (count === 0) return;
    const { answers } = this.#context;
    answers.renew();
    this.#okCount = 0;
    this.#answers.push(answers.oks(count));
  }

  #write(): void {
    this.#flushOks();
    const answers = this.#answers;
    if (answers.length === 0 || this.#socket.destroyed) return;
    this.#answers = [];
    this.#socket.write(answers.length === 1 ? answers[0] : Buffer.concat(answers));
  }

  // Memory

  #forget(): void {
    if (this.#gatherer === undefined) return;
    this.#context.bodies.forget(this.#gatherer);
    this.#gatherer = undefined;
  }
}

/** A request whose body is complete: it waits for the broker, so pausing or aborting it would free no memory. */
function gathererOf(socket: Socket, sender: Sender): RequestGatherer {
  return {
    client: { remoteIp: remoteHost(socket), isGuest: true },
    pause: () => undefined,
    resume: () => undefined,
    abort: () => false,
    toString: () => sender.toString(),
  };
}
