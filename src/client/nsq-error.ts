/**
 * What a client reports when something fails: one class, told apart by its code.
 *
 * Thread: any.
 */

import type { ClientErrorCode } from '../protocol/client-error.ts';

/** Codes of failures that the client finds itself. */
type LocalErrorCode =
  | 'CONNECT_FAILED'
  | 'CONNECTION_LOST'
  | 'TIMED_OUT'
  | 'CLOSED'
  | 'QUEUE_FULL'
  | 'INVALID_OPTION'
  | 'LOOKUP_FAILED'
  | 'PROTOCOL_ERROR';

/** Every code that the client knows. A broker may send others. */
export type NsqErrorCode = ClientErrorCode | LocalErrorCode;

/** Failures after which the same call may succeed, here or at another broker. */
const RETRIABLE: ReadonlySet<string> = new Set<NsqErrorCode>([
  'CONNECT_FAILED',
  'CONNECTION_LOST',
  'TIMED_OUT',
  'QUEUE_FULL',
  'LOOKUP_FAILED',
  'E_PUB_FAILED',
  'E_MPUB_FAILED',
  'E_DPUB_FAILED',
  'E_SUB_FAILED',
  'E_TOO_MANY_CONNECTIONS',
]);

/** What an error is about, as far as that is known. */
export type NsqErrorDetails = {
  readonly topic?: string | undefined;
  /** `host:port` of the broker or of the nsqlookupd. */
  readonly address?: string | undefined;
  readonly cause?: unknown;
};

/**
 * A failed publish, connection, lookup or option.
 *
 * @example
 * ```ts
 * import { NsqError, Producer } from 'ringmq/client';
 *
 * const producer = new Producer({ nsqd: ['127.0.0.1:4150'] });
 * try {
 *   await producer.publish('not a topic', 'hello');
 * } catch (error) {
 *   if (!(error instanceof NsqError)) throw error;
 *   console.log(error.code, error.topic, error.isRetriable); // E_BAD_TOPIC not a topic false
 * }
 * await producer.close();
 * ```
 */
export class NsqError extends Error {
  override readonly name = 'NsqError';
  /** The broker's code (`E_…`), or the client's own. */
  readonly code: NsqErrorCode | (string & Record<never, never>);
  /** The topic that it is about. */
  readonly topic: string | undefined;
  /** The broker, or the nsqlookupd, that it is about. */
  readonly address: string | undefined;
  /** Whether the same call may succeed when it is made again. */
  readonly isRetriable: boolean;

  constructor(code: string, text: string, { topic, address, cause }: NsqErrorDetails = {}) {
    super(text, cause === undefined ? undefined : { cause });
    this.code = code;
    this.topic = topic;
    this.address = address;
    this.isRetriable = RETRIABLE.has(code);
  }
}

/** The error that a broker's error frame stands for: its code, and the text behind it. */
export function refusal(text: string, details: NsqErrorDetails): NsqError {
  const space = text.indexOf(' ');
  return new NsqError(space === -1 ? text : text.slice(0, space), text, details);
}
