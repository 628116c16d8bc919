/**
 * Server-sent events to one client, as `EventSource` of browsers reads them.
 *
 * Thread: main.
 * Source: the HTML standard, "Server-sent events".
 */

import type { ServerResponse } from 'node:http';

/** Headers of the answer: proxies must neither cache nor buffer events. */
const HEADERS = [
  'Content-Type',
  'text/event-stream; charset=utf-8',
  'Cache-Control',
  'no-store',
  'X-Accel-Buffering',
  'no',
  'X-Content-Type-Options',
  'nosniff',
];

export class EventStream {
  readonly #response: ServerResponse;

  /** Sends the head. */
  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, HEADERS);
    response.flushHeaders();
  }

  /** Bytes that the client has not read yet. */
  get waitingBytes(): number {
    return this.#response.writableLength;
  }

  /** Sends an event. Shape: `data` is a line, such as JSON. */
  send(event: string, data: string): void {
    this.#response.write(`event: ${event}\ndata: ${data}\n\n`);
  }

  /** Ends the stream after everything was sent. */
  end(): void {
    this.#response.end();
  }

  /** Ends the stream at once, with its connection. */
  abort(): void {
    this.#response.destroy();
  }
}
