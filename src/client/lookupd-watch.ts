/**
 * Watches a topic at one nsqlookupd, if it has `/watch` (RingMQ's has), and reports brokers as soon as it has them.
 * Polling continues meanwhile: the next poll finds what a watch misses.
 *
 * Bound: one connection; an event is at most EVENT_CHARACTERS_MAX characters. Thread: any.
 */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { rethrowBug } from '../shared/assert.ts';
import type { Address } from './address.ts';
import type { LookupdSettings } from './lookupd-options.ts';
import { producersOf } from './lookupd-query.ts';
import { request as httpRequest } from './node-http.ts';

/** The listener of a watch. */
export type WatchListener = {
  onFound(addresses: readonly Address[]): void;
};

const OK_STATUS = 200;
const EVENT_STREAM = 'text/event-stream';
const EVENT_CHARACTERS_MAX = 4 * 1024 * 1024;
/** Events with new brokers. */
const FOUND: ReadonlySet<string> = new Set(['producers', 'added']);
/** Polls before a server that has no such endpoint is asked again. */
const ABSENT_POLLS = 9;
/** Longest silence of a stream, which has an event every 15 s. */
const SILENCE_MS = 45_000;

export class LookupdWatch {
  readonly #url: URL;
  readonly #settings: LookupdSettings;
  readonly #listener: WatchListener;
  #request: ClientRequest | null = null;
  /** How many calls of `ensure` do nothing: the nsqlookupd has no such endpoint, or the watch is closed. */
  #pollsToSkip: number;
  #text = '';

  constructor(base: URL, topic: string, settings: LookupdSettings, listener: WatchListener) {
    this.#url = new URL('/watch', base);
    this.#url.searchParams.set('topic', topic);
    this.#settings = settings;
    this.#listener = listener;
    // It is unknown what else a custom path has.
    this.#pollsToSkip = base.pathname === '/' ? 0 : Number.POSITIVE_INFINITY;
  }

  /** Starts the watch, unless it is running or impossible. A failure has no effect: the next call starts it again. */
  ensure(): void {
    if (this.#request !== null) return;
    if (this.#pollsToSkip > 0) {
      this.#pollsToSkip--;
      return;
    }
    const { authorization } = this.#settings;
    const headers: Record<string, string> = { accept: EVENT_STREAM };
    if (authorization !== null) headers['authorization'] = authorization;
    const send = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(this.#url, { headers, agent: false }, (response) =>
      this.#onResponse(request, response),
    );
    this.#request = request;
    this.#text = '';
    request.on('socket', (socket) => socket.unref());
    request.setTimeout(SILENCE_MS, () => request.destroy());
    // The poll reports that it cannot be reached.
    request.on('error', () => request.destroy());
    request.on('close', () => {
      if (this.#request === request) this.#request = null;
    });
    request.end();
  }

  close(): void {
    this.#pollsToSkip = Number.POSITIVE_INFINITY;
    this.#request?.destroy();
    this.#request = null;
  }

  #onResponse(request: ClientRequest, response: IncomingMessage): void {
    const { statusCode, headers } = response;
    response.on('error', () => request.destroy());
    if (statusCode !== OK_STATUS || headers['content-type']?.startsWith(EVENT_STREAM) !== true) {
      // A server that fails may have it at the next poll, and any other after an update.
      const isAbsent = statusCode !== undefined && statusCode < 500;
      if (isAbsent) this.#pollsToSkip = Math.max(this.#pollsToSkip, ABSENT_POLLS);
      request.destroy();
      return;
    }
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      this.#onText(request, chunk);
    });
  }

  #onText(request: ClientRequest, chunk: string): void {
    const events = (this.#text + chunk).split('\n\n');
    this.#text = events.pop() ?? '';
    if (this.#text.length > EVENT_CHARACTERS_MAX) {
      request.destroy();
      return;
    }
    for (const event of events) {
      if (request !== this.#request) return;
      const [, name = '', data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      if (FOUND.has(name)) this.#report(request, data);
    }
  }

  #report(request: ClientRequest, data: string | undefined): void {
    let addresses: readonly Address[];
    try {
      addresses = producersOf(data);
    } catch (error) {
      rethrowBug(error);
      // The next poll asks again.
      request.destroy();
      return;
    }
    if (addresses.length > 0) this.#listener.onFound(addresses);
  }
}
