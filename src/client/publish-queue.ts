/**
 * A producer's unsent messages, and those that wait for their answer.
 *
 * A publication waits in a batch; a batch waits for its turn, is sent, and is answered. An unsent batch accepts more
 * messages of its topic. When the connection is lost, unanswered batches return to the front, in order.
 *
 * Bound: `maxQueuedBytes` of bodies. Thread: any.
 */

import type { BrokerLink } from './broker-link.ts';
import { type CoarseTimer, CoarseTimers } from './coarse-timers.ts';
import type { Environment } from './environment.ts';
import { Fifo } from './fifo.ts';
import { NsqError } from './nsq-error.ts';
import { Batch, Publication, type SizedBody } from './publication.ts';

/** The settings of the producer that the queue needs. */
export type QueueSettings = {
  readonly maxBatchMessages: number;
  readonly maxBatchBytes: number;
  readonly isBatching: boolean;
  readonly isOrdered: boolean;
  readonly isResending: boolean;
  readonly maxUnansweredBytes: number;
  readonly highWaterMarkBytes: number;
  readonly maxQueuedBytes: number;
};

/** The overhead of a message besides its body. */
const OVERHEAD_BYTES = 64;
/** After this many lost connections a batch is sent alone. */
const SUSPICIOUS_LOSSES = 2;
/** After this many it is split; a single message is rejected. */
const LOSSES_MAX = 4;
/** After these errors the broker ignores all later commands on the connection. */
const BAD_CONTENT: ReadonlySet<string> = new Set(['E_BAD_MESSAGE', 'E_BAD_BODY']);
/** Failures of one broker that another may not have. */
const BROKER_TROUBLES: ReadonlySet<string> = new Set([
  'E_PUB_FAILED',
  'E_MPUB_FAILED',
  'E_DPUB_FAILED',
]);
const CONNECTION_TROUBLES: ReadonlySet<string> = new Set(['CONNECTION_LOST', 'PROTOCOL_ERROR']);

/** The messages of one producer. */
export class PublishQueue {
  readonly #settings: QueueSettings;
  readonly #environment: Environment;
  readonly #link: BrokerLink;
  readonly #onDrain: () => void;
  readonly #waiting = new Fifo<Batch>();
  readonly #unanswered = new Fifo<Batch>();
  /** Unsent batches that accept more messages, by topic. */
  readonly #open = new Map<string, Batch>();
  /** Unanswered batches of the lost connection, in order. */
  #returned: Batch[] = [];
  /** Rings when a publication may have timed out. */
  readonly #timer: CoarseTimer;
  readonly #sendNow = (): void => {
    this.#isScheduled = false;
    this.send();
  };
  #bytes = 0;
  #count = 0;
  #unansweredBytes = 0;
  #turnMs = 0;
  #isScheduled = false;
  #isFull = false;
  /** Whether an unanswered batch may be the reason why connections break. */
  #isSuspicious = false;
  #linkError: NsqError | null = null;
  #onSettled: (() => void) | null = null;

  constructor(
    settings: QueueSettings,
    environment: Environment,
    link: BrokerLink,
    onDrain: () => void,
  ) {
    this.#settings = settings;
    this.#environment = environment;
    this.#link = link;
    this.#onDrain = onDrain;
    const timers = CoarseTimers.of(environment.clock);
    this.#timer = timers.timer((nowMs) => this.#onTimer(nowMs), { holdsProcess: true });
  }

  get bytes(): number {
    return this.#bytes;
  }

  get needsDrain(): boolean {
    return this.#isFull;
  }

  /** Queues messages of a topic that belong together. Resolves when a broker has accepted them. */
  publish(
    topic: string,
    bodies: readonly SizedBody[],
    delayMs: number,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const [first] = bodies;
    if (bodies.length === 1) {
      return this.#put(topic, bodies, first.bytes, delayMs, timeoutMs, signal);
    }
    const parts: Promise<void>[] = [];
    let part: SizedBody[] = [];
    let bytes = 0;
    const putPart = (): void => {
      parts.push(this.#put(topic, part, bytes, delayMs, timeoutMs, signal));
      part = [];
      bytes = 0;
    };
    for (const body of bodies) {
      const isFull = part.length > 0 && !this.#fits(part.length, bytes, 1, body.bytes);
      // no command publishes several deferred messages
      if (isFull || (part.length > 0 && delayMs > 0)) putPart();
      part.push(body);
      bytes += body.bytes;
    }
    putPart();
    return parts.length === 1 ? parts[0] : allSettled(parts);
  }

  /** Sends as much as the limits allow. */
  send(): void {
    this.#takeBack();
    const { isOrdered, maxUnansweredBytes } = this.#settings;
    for (;;) {
      if (this.#waiting.count === 0) return;
      const connection = this.#link.ready;
      if (connection === null) {
        this.#link.need();
        return;
      }
      if (this.#unansweredBytes >= maxUnansweredBytes) return;
      if (this.#unanswered.count > 0 && (isOrdered || this.#isSuspicious)) return;
      const batch = this.#waiting.shift();
      if (batch === undefined) return;
      this.#close(batch);
      if (!batch.prune()) continue;
      const isSuspicious = batch.lossCount >= SUSPICIOUS_LOSSES;
      if (isSuspicious && this.#unanswered.count > 0) {
        this.#waiting.unshift(batch);
        return;
      }
      this.#isSuspicious = isSuspicious;
      batch.sentMs = this.#nowMs();
      this.#unanswered.push(batch);
      this.#unansweredBytes += batch.bytes;
      batch.write(connection.commands);
      connection.expect(batch);
    }
  }

  /** Keeps the reason why nothing can be sent, for the errors of publishes that time out. */
  onLinkError(error: NsqError): void {
    this.#linkError = error;
  }

  /** Resolves when all publishes are settled; rejects those that are not by the deadline. */
  async settle(deadlineMs: number, reason: () => NsqError): Promise<void> {
    if (this.#count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onSettled = resolve;
    const late = CoarseTimers.of(this.#environment.clock).timer(() => this.#rejectAll(reason), {
      holdsProcess: true,
    });
    late.setIn(deadlineMs);
    await promise;
    late.clear();
  }

  /** Called by a batch. */
  onBatchAnswer(batch: Batch): void {
    this.#link.onAnswer();
    this.#unanswered.shift();
    this.#unansweredBytes -= batch.bytes;
    for (const publication of batch.publications) {
      if (publication.resolve()) this.#onSettle(publication);
    }
    this.#schedule();
  }

  /** Called by a batch. The connection is lost, or will be in this turn. */
  onBatchError(batch: Batch, error: NsqError): void {
    this.#unanswered.shift();
    this.#unansweredBytes -= batch.bytes;
    this.#schedule();
    if (CONNECTION_TROUBLES.has(error.code)) {
      // an error of the broker that ended the connection tells that the rest was ignored
      const isKnown = error.cause instanceof NsqError;
      if (isKnown) this.#returned.push(batch);
      else if (this.#settings.isResending) this.#onLoss(batch, error);
      else this.#reject(batch, error);
      return;
    }
    if (BROKER_TROUBLES.has(error.code) && batch.refusalCount + 1 < this.#link.addressCount) {
      batch.refusalCount++;
      this.#returned.push(batch);
    } else if (BAD_CONTENT.has(error.code) && batch.publications.length > 1) {
      // one of the messages is the cause
      this.#returnOneByOne(batch);
    } else this.#reject(batch, error);
  }

  /**
   * Resends a batch. The broker's error may be lost with the connection, and an invalid message would break each new
   * one. So after some losses the batch is sent alone, then its messages one by one; a message that still breaks
   * connections is rejected.
   */
  #onLoss(batch: Batch, error: NsqError): void {
    batch.lossCount++;
    if (batch.lossCount < LOSSES_MAX) this.#returned.push(batch);
    else if (batch.publications.length > 1) this.#returnOneByOne(batch);
    else this.#reject(batch, error);
  }

  #returnOneByOne(batch: Batch): void {
    for (const publication of batch.publications) {
      const alone = new Batch(batch.topic, batch.delayMs, this);
      alone.lossCount = Math.min(batch.lossCount, SUSPICIOUS_LOSSES);
      alone.add(publication);
      this.#returned.push(alone);
    }
  }

  #put(
    topic: string,
    bodies: readonly SizedBody[],
    bytes: number,
    delayMs: number,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.#bytes + bytes + OVERHEAD_BYTES > this.#settings.maxQueuedBytes) {
      const what = `${this.#bytes} bytes wait already`;
      return Promise.reject(new NsqError('QUEUE_FULL', what, { topic }));
    }
    const deadlineMs = this.#nowMs() + timeoutMs;
    return new Promise((resolve, reject) => {
      const onAbort = signal === undefined ? null : this.#onAbort;
      const publication = new Publication(
        bodies,
        bytes,
        deadlineMs,
        resolve,
        reject,
        signal,
        onAbort,
      );
      this.#batchFor(topic, bodies.length, bytes, delayMs).add(publication);
      this.#count++;
      this.#bytes += bytes + OVERHEAD_BYTES;
      if (this.#bytes >= this.#settings.highWaterMarkBytes) this.#isFull = true;
      if (deadlineMs < this.#timer.dueMs) this.#timer.setIn(timeoutMs);
      this.#schedule();
    });
  }

  /** The batch that has room for this much more. */
  #batchFor(topic: string, count: number, bytes: number, delayMs: number): Batch {
    const isAlone = delayMs > 0 || count > 1 || !this.#settings.isBatching;
    const open = this.#open.get(topic);
    if (!isAlone && open !== undefined && this.#fits(open.count, open.bytes, 1, bytes)) return open;
    const batch = new Batch(topic, delayMs, this);
    this.#waiting.push(batch);
    // later messages must not overtake it
    if (isAlone) this.#open.delete(topic);
    else this.#open.set(topic, batch);
    return batch;
  }

  #fits(count: number, bytes: number, moreCount: number, moreBytes: number): boolean {
    const { maxBatchMessages, maxBatchBytes } = this.#settings;
    return count + moreCount <= maxBatchMessages && bytes + moreBytes <= maxBatchBytes;
  }

  #close(batch: Batch): void {
    if (this.#open.get(batch.topic) === batch) this.#open.delete(batch.topic);
  }

  /** Returns the batches of the lost connection to the front. */
  #takeBack(): void {
    const returned = this.#returned;
    if (returned.length === 0) return;
    this.#returned = [];
    for (const batch of returned.reverse()) {
      batch.sentMs = Number.POSITIVE_INFINITY;
      this.#waiting.unshift(batch);
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // after the promises of this turn
    process.nextTick(this.#sendNow);
  }

  /** Reads the clock once for all publications of a turn. */
  #nowMs(): number {
    if (!this.#isScheduled) this.#turnMs = this.#environment.clock.monotonicMs();
    return this.#turnMs;
  }

  #reject(batch: Batch, error: NsqError): void {
    const { code, message, address } = error;
    const told = new NsqError(code, message, { topic: batch.topic, address, cause: error });
    for (const publication of batch.publications) {
      if (publication.reject(told)) this.#onSettle(publication);
    }
  }

  readonly #onAbort = (publication: Publication, reason: unknown): void => {
    if (publication.reject(reason)) this.#onSettle(publication);
  };

  #onSettle({ bytes }: Publication): void {
    this.#count--;
    this.#bytes -= bytes + OVERHEAD_BYTES;
    if (this.#isFull && this.#bytes < this.#settings.highWaterMarkBytes) {
      this.#isFull = false;
      this.#onDrain();
    }
    if (this.#count > 0) return;
    this.#timer.clear();
    this.#onSettled?.();
  }

  #onTimer(nowMs: number): void {
    let nextMs = Number.POSITIVE_INFINITY;
    let isSilent = false;
    const heardMs = this.#link.ready?.heardMs ?? Number.POSITIVE_INFINITY;
    for (const batch of this.#batches()) {
      for (const publication of batch.publications) {
        if (publication.isSettled) continue;
        if (publication.deadlineMs > nowMs) nextMs = Math.min(nextMs, publication.deadlineMs);
        else {
          if (batch.sentMs > heardMs && batch.sentMs !== Number.POSITIVE_INFINITY) isSilent = true;
          this.#onLate(batch, publication);
        }
      }
    }
    this.#dropSettled();
    if (nextMs !== Number.POSITIVE_INFINITY) this.#timer.setIn(nextMs - nowMs);
    if (!isSilent) return;
    const what = 'the broker has not answered, nor given a sign of life since';
    this.#link.ready?.destroy(new NsqError('CONNECTION_LOST', what));
  }

  #onLate({ topic }: Batch, publication: Publication): void {
    const cause = this.#link.ready === null ? this.#linkError : null;
    const why = cause === null ? '' : `: ${cause.message}`;
    const what = `a publish to ${topic} was not answered in time${why}`;
    const error = new NsqError('TIMED_OUT', what, { topic, cause: cause ?? undefined });
    if (publication.reject(error)) this.#onSettle(publication);
  }

  /** Drops batches whose publications are all settled, even without a connection. */
  #dropSettled(): void {
    for (let left = this.#waiting.count; left > 0; left--) {
      const batch = this.#waiting.shift();
      if (batch?.prune() === true) this.#waiting.push(batch);
      else if (batch !== undefined) this.#close(batch);
    }
  }

  #rejectAll(reason: () => NsqError): void {
    for (const batch of this.#batches()) this.#reject(batch, reason());
  }

  #batches(): Batch[] {
    return [...this.#unanswered, ...this.#returned, ...this.#waiting];
  }
}

/** Waits until all are settled; resolves if all succeeded, and rejects with the first error otherwise. */
async function allSettled(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
