/**
 * Heap snapshots of the main thread over HTTP, which stalls while one is taken.
 *
 * Bound: one at a time.
 *
 * Thread: main.
 */

import { getHeapSnapshot } from 'node:v8';
import { fileHeaders, plainAnswer } from '../http/answer.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Logger } from '../log.ts';
import type { Stalls } from './stalls.ts';

/** Sends one snapshot at a time: until it is sent, it takes as much memory as the heap itself. */
export class HeapSnapshots {
  readonly #logger: Logger;
  readonly #stalls: Stalls;
  #isSending = false;

  constructor(logger: Logger, stalls: Stalls) {
    this.#logger = logger;
    this.#stalls = stalls;
  }

  send(exchange: Exchange): void {
    if (this.#isSending) {
      exchange.answer(plainAnswer(409, 'failed to take heap snapshot - another one is being sent'));
      return;
    }
    this.#isSending = true;
    exchange.onClosed(() => {
      this.#isSending = false;
    });
    // Logged before, because a supervisor may end the broker while it is stalled.
    const who = exchange.remoteAddress;
    this.#logger.warn(`taking a heap snapshot for ${who}; the broker is blocked meanwhile`);
    const snapshot = this.#stalls.watch('taking a heap snapshot', () => {
      const stream = getHeapSnapshot();
      // The first read generates the whole text.
      stream.read(0);
      return stream;
    });
    exchange.stream(fileHeaders('main.heapsnapshot', 'application/octet-stream'), snapshot);
  }
}
