/**
 * Publishes to streams, and matches the answers: one subscription for all of them.
 *
 * Bound: what the pumps may have unanswered. An answer that does not come in time counts as a refusal, although the
 * message may have been kept.
 *
 * A stream acknowledges messages in the order in which it gets them. So a publish that a later one to the same
 * subject has overtaken was lost with a leader or a cable. Waiting for its answer gains nothing, and holds back the
 * later answer, because the pump gets answers in order.
 *
 * Thread: stream.
 */

import { headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';

/** How long an answer may take. Units: ms. */
const PATIENCE_MS = 3000;
/** A younger publish is not regarded as overtaken: a connection that was changed may change the order. Units: ms. */
const OVERTAKEN_MS = 200;
const OVERTAKEN = 'the store has lost it on its way; the message may have been kept';
/** The header with a message's due time. Shape: Unix time in ms. */
export const DUE_HEADER = 'Ringmq-Due';
const SERVICE_UNAVAILABLE = 503;
/** Where an answer about a stored message differs from an error: `{"stream":` and `{"error":`. */
const KIND_AT = 2;
const STORED = 's'.charCodeAt(0);

type Waiting = {
  readonly subject: string;
  readonly done: (error: string | null) => void;
  readonly deadlineMs: number;
};

export class NatsPublishes {
  readonly #nc: NatsConnection;
  readonly #inbox: string;
  readonly #nowMs: () => number;
  /** In the order of their deadlines. */
  readonly #waiting = new Map<number, Waiting>();
  /** The last publish to a subject that was kept since the last check. */
  readonly #kept = new Map<string, number>();
  #lastNumber = 0;

  /** Units: `nowMs` in ms, monotonic. */
  constructor(nc: NatsConnection, inbox: string, nowMs: () => number) {
    this.#nc = nc;
    this.#inbox = `${inbox}.`;
    this.#nowMs = nowMs;
    nc.subscribe(`${inbox}.*`, { callback: (error, message) => this.#onAnswer(error, message) });
  }

  publish(
    subject: string,
    body: Uint8Array,
    dueMs: number,
    done: (error: string | null) => void,
  ): void {
    const number = ++this.#lastNumber;
    this.#waiting.set(number, { subject, done, deadlineMs: this.#nowMs() + PATIENCE_MS });
    const reply = this.#inbox + number;
    if (dueMs === 0) this.#nc.publish(subject, body, { reply });
    else this.#nc.publish(subject, body, { reply, headers: dueHeaders(dueMs) });
  }

  /** Rejects publishes that have waited too long, or were overtaken. Call it several times a second. */
  expire(): void {
    const nowMs = this.#nowMs();
    this.#failOvertaken(nowMs);
    for (const [number, { done, deadlineMs }] of this.#waiting) {
      if (deadlineMs > nowMs) return;
      this.#waiting.delete(number);
      done(`the store has not answered for ${PATIENCE_MS / 1000} s`);
    }
  }

  /** Rejects earlier publishes to a subject if they have waited for a while. Units: ms. */
  failOlder(subject: string, ageMs: number, reason: string): void {
    const deadlineMs = this.#nowMs() + PATIENCE_MS - ageMs;
    for (const [number, waiting] of this.#waiting) {
      if (waiting.deadlineMs > deadlineMs) return;
      if (waiting.subject !== subject) continue;
      this.#waiting.delete(number);
      waiting.done(reason);
    }
  }

  #failOvertaken(nowMs: number): void {
    if (this.#kept.size === 0) return;
    const deadlineMs = nowMs + PATIENCE_MS - OVERTAKEN_MS;
    for (const [number, waiting] of this.#waiting) {
      if (waiting.deadlineMs > deadlineMs) break;
      if (number > (this.#kept.get(waiting.subject) ?? 0)) continue;
      this.#waiting.delete(number);
      waiting.done(OVERTAKEN);
    }
    this.#kept.clear();
  }

  /** Rejects all pending publishes. */
  fail(reason: string): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { done } of waiting) done(reason);
  }

  #onAnswer(error: Error | null, message: Msg): void {
    if (error !== null) return;
    const number = Number(message.subject.slice(this.#inbox.length));
    const waiting = this.#waiting.get(number);
    if (waiting === undefined) return;
    this.#waiting.delete(number);
    const isKept = message.data[KIND_AT] === STORED;
    if (isKept) this.#kept.set(waiting.subject, number);
    waiting.done(isKept ? null : refusalOf(message));
  }
}

function dueHeaders(dueMs: number): MsgHdrs {
  const fields = headers();
  fields.set(DUE_HEADER, String(Math.ceil(dueMs)));
  return fields;
}

function refusalOf(message: Msg): string {
  if (message.headers?.code === SERVICE_UNAVAILABLE) return 'the store has no such stream now';
  const text = /"description":\s*"([^"]*)"/.exec(message.string())?.[1];
  return `the store refuses it - ${text ?? 'no reason is given'}`;
}
