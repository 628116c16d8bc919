/**
 * An answer to an HTTP request as a value: endpoints return it, the exchange sends it.
 *
 * Thread: main.
 * Source: nsq `http_api.V1` and `http_api.PlainText`.
 */

import { goJson } from '../go/go-text.ts';
import { STATUS_CODES } from './node-http.ts';

/** Shape: `headers` as Node takes them, names and values in turn, `Content-Length` among them. */
export type Answer = {
  readonly status: number;
  readonly headers: string[];
  readonly body: string | Buffer;
  /** Stands in the status line; missing for that of the status. Only for answers before a connection is closed. */
  readonly reason?: string;
};

const TEXT = ['Content-Type', 'text/plain; charset=utf-8'];
const JSON_TYPE = ['Content-Type', 'application/json; charset=utf-8'];
/** Without exactly this header, NSQ's own clients unwrap the body in a legacy format. */
const NSQ = ['X-Nsq-Content-Type', 'nsq; version=1.0'];

/** Success with a text result; like Go, without a content type if the text is empty. */
export function textAnswer(body: string): Answer {
  return make(200, body === '' ? NSQ : [...TEXT, ...NSQ], body);
}

/** The headers of a successful answer, except its length. */
export function resultHeaders(kind: 'text' | 'json'): string[] {
  return [...(kind === 'text' ? TEXT : JSON_TYPE), ...NSQ];
}

/** Success with any other result, as compact JSON. */
export function jsonAnswer(value: object | string | number | boolean | null): Answer {
  return make(200, [...JSON_TYPE, ...NSQ], goJson(value));
}

/** A text outside the API's conventions, for `/ping` and some of `/debug`. */
export function plainAnswer(status: number, body: string): Answer {
  return make(status, body === '' ? [] : TEXT, body);
}

/** The same as JSON. */
export function plainJsonAnswer(status: number, value: object): Answer {
  return make(status, JSON_TYPE, goJson(value));
}

/**
 * The answer to an ambiguous request, before its connection is closed. `why` follows the status, in the status line
 * too.
 * Source: Go's `conn.serve`.
 */
export function closingAnswer(status: number, why = ''): Answer {
  const reason = why === '' ? reasonPhrase(status) : `${reasonPhrase(status)}: ${why}`;
  return { ...closingText(status, `${status} ${reason}`), reason };
}

/** The same with any text. */
export function closingText(status: number, body: string): Answer {
  const answer = make(status, TEXT, body);
  return { ...answer, headers: [...answer.headers, 'Connection', 'close'] };
}

/** The reason phrase of a status in Go's words; Node differs for one of them. */
export function reasonPhrase(status: number): string {
  return status === 413 ? 'Request Entity Too Large' : (STATUS_CODES[status] ?? '');
}

/** A refusal: `{"message":"<code>"}`. `extra` headers come before the others. */
export function refusal(status: number, code: string, extra: readonly string[] = []): Answer {
  return make(status, [...extra, ...JSON_TYPE, ...NSQ], goJson({ message: code }));
}

/** A body with any content type. */
export function bytesAnswer(status: number, contentType: string, body: string | Buffer): Answer {
  return make(status, contentType === '' ? [] : ['Content-Type', contentType], body);
}

/** An answer with headers only. */
export function emptyAnswer(status: number, headers: readonly string[]): Answer {
  return make(status, headers, '');
}

/** A refusal with a body of its own form. Shape: `body` is JSON. */
export function jsonTextAnswer(status: number, body: string): Answer {
  return make(status, [...JSON_TYPE, ...NSQ], body);
}

/** A page for browsers. */
export function htmlAnswer(status: number, headers: readonly string[], body: string): Answer {
  return make(status, ['Content-Type', 'text/html; charset=utf-8', ...headers], body);
}

/** A file for download. */
export function fileAnswer(name: string, contentType: string, body: string): Answer {
  return make(200, fileHeaders(name, contentType), body);
}

/** The headers of a file for download. */
export function fileHeaders(name: string, contentType: string): string[] {
  return ['Content-Type', contentType, 'Content-Disposition', `attachment; filename="${name}"`];
}

/** Success without a result. */
export const DONE = textAnswer('');
/** Success with the text `OK`. */
export const OK = textAnswer('OK');

function make(status: number, headers: readonly string[], body: string | Buffer): Answer {
  const length = Buffer.byteLength(body).toString();
  return { status, headers: [...headers, 'Content-Length', length], body };
}
