/**
 * The observers of the broker: a scraper that fetches /metrics once a second, and a viewer of the page.
 */

import { Agent, type ClientRequest, get } from 'node:http';
import type { Target } from './attack.ts';

const SCRAPE_MS = 1000;
/** A viewer that was disconnected reconnects, as a browser does. */
const RETURN_MS = 1000;
/** The default timeout of a scraper. */
const PATIENCE_MS = 10_000;
const OK = 200;

/** Their results so far. Units: ms. */
export type Seen = {
  readonly scrapes: number;
  /** Scrapes without an answer in time. */
  readonly missed: number;
  readonly longestMs: number;
  readonly frames: number;
  /** How often the viewer was disconnected. */
  readonly cuts: number;
};

export class Observers {
  readonly #host: string;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #seen = { scrapes: 0, missed: 0, longestMs: 0, frames: 0, cuts: 0 };
  #timer: NodeJS.Timeout | undefined;
  #viewer: ClientRequest | undefined;
  #isOver = false;

  constructor({ host }: Target, httpPort: number) {
    this.#host = host;
    this.#port = httpPort;
  }

  get seen(): Seen {
    return { ...this.#seen };
  }

  start(): void {
    this.#timer = setInterval(() => this.#scrape(), SCRAPE_MS);
    this.#view();
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#viewer?.destroy();
    this.#agent.destroy();
  }

  #scrape(): void {
    const startMs = performance.now();
    let isDone = false;
    const end = (isAnswered: boolean): void => {
      if (isDone || this.#isOver) return;
      isDone = true;
      if (!isAnswered) this.#seen.missed++;
      else {
        this.#seen.scrapes++;
        this.#seen.longestMs = Math.max(this.#seen.longestMs, performance.now() - startMs);
      }
    };
    const options = { host: this.#host, port: this.#port, path: '/metrics', agent: this.#agent };
    const request = get({ ...options, signal: AbortSignal.timeout(PATIENCE_MS) }, (response) => {
      response.resume();
      response.on('end', () => end(response.statusCode === OK));
      response.on('error', () => end(false));
    });
    request.on('error', () => end(false));
  }

  #view(): void {
    if (this.#isOver) return;
    let isGone = false;
    const comeBack = (): void => {
      if (isGone || this.#isOver) return;
      isGone = true;
      this.#seen.cuts++;
      setTimeout(() => this.#view(), RETURN_MS).unref();
    };
    const options = { host: this.#host, port: this.#port, path: '/ui/events?view=topics' };
    this.#viewer = get({ ...options, agent: false }, (response) => {
      response.setEncoding('latin1');
      response.on('data', (text: string) => {
        if (text.includes('\n\n')) this.#seen.frames++;
      });
      response.on('close', comeBack);
    });
    this.#viewer.on('error', comeBack);
  }
}
