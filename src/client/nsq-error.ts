/**
 * The one error class of the client; its code tells failures apart.
 *
 * Thread: any.
 */

import type { ClientErrorCode } from '../protocol/client-error.ts';

/** Codes of failures that the client detects. */
type LocalErrorCode =
  | 'CONNECT_FAILED'
  | 'CONNECTION_LOST'
  | 'TIMED_OUT'
  | 'CLOSED'
  | 'QUEUE_FULL'
  | 'INVALID_OPTION'
  | 'INVALID_POLICY'
  | 'LOOKUP_FAILED'
  | 'PROTOCOL_ERROR'
  | 'DATA_PATH_IN_USE'
  | 'START_FAILED'
  | 'BROKER_FAILED'
  | 'NOT_FOUND';

/**
 * Every known code. A broker may send others.
 *
 * @example
 * ```ts
 * import { NsqError, type NsqErrorCode, Producer } from 'ringmq/client';
 *
 * const harmless: ReadonlySet<NsqErrorCode | string> = new Set(['QUEUE_FULL', 'TIMED_OUT']);
 * const producer = new Producer({ nsqd: ['127.0.0.1:4150'] });
 * try {
 *   await producer.publish('metrics', 'load 0.7', { timeoutMs: 1000 });
 * } catch (error) {
 *   if (!(error instanceof NsqError && harmless.has(error.code))) throw error;
 * }
 * await producer.close();
 * ```
 */
export type NsqErrorCode = ClientErrorCode | LocalErrorCode;

/** Failures after which the same call may succeed, at this or another broker. */
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

/**
 * The context of an error, as far as known.
 *
 * @example
 * ```ts
 * import { NsqError, type NsqErrorDetails } from 'ringmq/client';
 *
 * // an error as a broker would cause it, for a test of your program
 * const details: NsqErrorDetails = { topic: 'orders', address: '127.0.0.1:4150' };
 * const error = new NsqError('E_PUB_FAILED', 'E_PUB_FAILED PUB failed', details);
 * console.log(error.topic, error.isRetriable); // orders true
 * ```
 */
export type NsqErrorDetails = {
  readonly topic?: string | undefined;
  /** `host:port` of the broker or the nsqlookupd. */
  readonly address?: string | undefined;
  /** The option that cannot be used. */
  readonly option?: string | undefined;
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
  /** The broker's code (`E_…`) or one of the client's. */
  readonly code: NsqErrorCode | (string & Record<never, never>);
  /** The topic, if the error concerns one. */
  readonly topic: string | undefined;
  /** The broker or the nsqlookupd, if the error concerns one. */
  readonly address: string | undefined;
  /** Whether the same call may succeed later. */
  readonly isRetriable: boolean;
  /** The name of the option that it is about. */
  readonly option: string | undefined;

  constructor(code: string, text: string, { topic, address, option, cause }: NsqErrorDetails = {}) {
    super(text, cause === undefined ? undefined : { cause });
    this.code = code;
    this.topic = topic;
    this.address = address;
    this.option = option;
    this.isRetriable = RETRIABLE.has(code);
  }
}

/** Converts a broker's error frame: its code and the text after it. */
export function refusalError(text: string, details: NsqErrorDetails): NsqError {
  const space = text.indexOf(' ');
  return new NsqError(space === -1 ? text : text.slice(0, space), text, details);
}
