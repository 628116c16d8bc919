/**
 * The traffic of all clients, as main counts it. The broker has one instance, whose fields are incremented where the
 * traffic occurs.
 *
 * Commands that a pump executes are counted there, once per record (`ThreadMeter`).
 *
 * Thread: main.
 */

/** Statuses begin with 1 to 5. */
const CLASSES = 6;
const STATUSES_PER_CLASS = 100;

export class Traffic {
  /** Commands by name, executed or not. */
  identify = 0;
  auth = 0;
  sub = 0;
  cls = 0;
  pub = 0;
  mpub = 0;
  dpub = 0;
  nop = 0;
  /** Lines that are not commands. */
  unknown = 0;
  /** Bytes of the protocol over TCP: without TLS, and before compression. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Answered HTTP requests by the first digit of their status, including publishes on the fast lane. */
  readonly httpAnswers = new Float64Array(CLASSES);

  /** Counts an HTTP request with this status. */
  countAnswer(status: number): void {
    this.httpAnswers[Math.floor(status / STATUSES_PER_CLASS)]++;
  }
}
