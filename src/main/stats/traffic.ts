/**
 * What clients send and are sent, as main counts it: one of it for the whole broker, counted up where it happens.
 *
 * Commands that a pump carries out are counted there, a record at a time (`ThreadMeter`).
 *
 * Thread: main.
 */

/** Statuses begin with 1 to 5. */
const CLASSES = 6;
const STATUSES_PER_CLASS = 100;

export class Traffic {
  /** Commands by name, as they were recognised, carried out or not. */
  identify = 0;
  auth = 0;
  sub = 0;
  cls = 0;
  pub = 0;
  mpub = 0;
  dpub = 0;
  nop = 0;
  /** Lines that are no command. */
  unknown = 0;
  /** Bytes of the protocol over TCP: without TLS, and before they are compressed. */
  receivedBytes = 0;
  sentBytes = 0;
  /** HTTP requests that were answered, by the first digit of their status; publishes of the fast lane among them. */
  readonly httpAnswers = new Float64Array(CLASSES);

  /** An HTTP request was answered with this status. */
  countAnswer(status: number): void {
    this.httpAnswers[Math.floor(status / STATUSES_PER_CLASS)]++;
  }
}
