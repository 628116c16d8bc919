/**
 * The viewers of the page, each with a stream of events. While there are viewers, one snapshot is taken for all of them
 * each second; viewers of the same view share its text. If a snapshot takes long, snapshots become less frequent, so
 * that they take at most a fifth of the time.
 *
 * Bound: VIEWERS_MAX; further viewers get an error and retry later. A viewer with WAITING_BYTES_MAX of unread events
 * misses frames; if it reads nothing for STALLED_MS, it is disconnected.
 *
 * Thread: main.
 */

import type { Clock, Timer } from '../../shared/clock.ts';
import type { EventStream } from '../http/event-stream.ts';
import type { LogTail } from '../log-tail.ts';
import { nextTurn } from '../slices.ts';
import type { WatchQuery } from './watch-query.ts';

const VIEWERS_MAX = 32;
const WAITING_BYTES_MAX = 256 * 1024;
const STALLED_MS = 30_000;
const INTERVAL_MS = 1000;
/** The pause after a snapshot, as a multiple of its time. */
const REST_FACTOR = 4;
/** After an operator's action the next snapshot is taken this soon. */
const HURRY_MS = 200;

/** The stream of a viewer. */
type Stream = Pick<EventStream, 'waitingBytes' | 'send' | 'end' | 'abort'>;

/** A request for a stream. */
interface WatchRequest {
  /** Undefined if the request has been answered already. */
  sendEvents(): Stream | undefined;
  onClosed(callback: () => void): void;
}

type Viewer = {
  readonly stream: Stream;
  readonly query: WatchQuery;
  /** Equal for viewers of the same view. */
  readonly key: string;
  /** The last log line that it was sent. */
  lastLine: number;
  /** Since when it reads nothing; null while it does. Units: ms, monotonic. */
  stalledMs: number | null;
};

/** Makes the frames for viewers. */
export interface FrameSource<S> {
  snapshot(): Promise<S>;
  /** The data of a view, as JSON. */
  view(query: WatchQuery, snapshot: S): Promise<string>;
  /** There are no viewers any more. */
  reset(): void;
}

/** A snapshot: at least the common part of all frames, as JSON without its closing brace. */
type Summarized = { readonly summary: string };

/** The dependencies of viewers. */
export type ViewersSetup<S extends Summarized> = {
  readonly frames: FrameSource<S>;
  readonly tail: Pick<LogTail, 'since' | 'lastNumber'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  /** The pause after a snapshot that took this long; without it, a fifth of the time is for snapshots. */
  readonly pauseMs?: (tookMs: number) => number;
  /** Logs and counts unforeseen errors. */
  readonly note: (what: string, error: unknown) => void;
};

export class Viewers<S extends Summarized> {
  readonly #setup: ViewersSetup<S>;
  readonly #viewers = new Set<Viewer>();
  #latest: S | null = null;
  #timer: Timer | null = null;
  #isTaking = false;
  #isInHurry = false;

  constructor(setup: ViewersSetup<S>) {
    this.#setup = setup;
  }

  /** The number of viewers. */
  get count(): number {
    return this.#viewers.size;
  }

  /** Starts a stream for the client of this request. */
  add(exchange: WatchRequest, query: WatchQuery): void {
    const stream = exchange.sendEvents();
    if (stream === undefined) return;
    if (this.#viewers.size >= VIEWERS_MAX) {
      stream.send('refused', JSON.stringify(`${VIEWERS_MAX} pages are watching already`));
      stream.end();
      return;
    }
    const viewer = { stream, query, key: JSON.stringify(query), lastLine: 0, stalledMs: null };
    this.#viewers.add(viewer);
    exchange.onClosed(() => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#rest();
    });
    if (this.#isTaking) return;
    if (this.#latest === null) void this.#take();
    else void this.#sendAll([viewer], this.#latest);
  }

  /** Something has changed that viewers are waiting to see. */
  hurry(): void {
    if (this.#isTaking) this.#isInHurry = true;
    else if (this.#timer !== null) {
      this.#timer.cancel();
      this.#schedule(HURRY_MS);
    }
  }

  /** Takes and sends a snapshot, and schedules the next. */
  async #take(): Promise<void> {
    const { frames, clock } = this.#setup;
    const startMs = clock.monotonicMs();
    this.#isTaking = true;
    try {
      this.#latest = await frames.snapshot();
    } catch (error) {
      this.#setup.note('the page cannot be shown', error);
    }
    this.#isTaking = false;
    const tookMs = clock.monotonicMs() - startMs;
    const pauseMs = (this.#setup.pauseMs ?? restAfter)(tookMs);
    this.#schedule(this.#isInHurry ? HURRY_MS : pauseMs);
    this.#isInHurry = false;
    if (this.#latest !== null) await this.#sendAll([...this.#viewers], this.#latest);
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#setup.clock.after(delayMs, () => {
      if (this.#viewers.size > 0) void this.#take();
      else this.#forget();
    });
    this.#timer.unref();
  }

  /**
   * The last viewer has left. The timer keeps running, so that a viewer who comes soon does not cause another snapshot.
   */
  #rest(): void {
    if (this.#timer === null) this.#forget();
  }

  #forget(): void {
    this.#latest = null;
    this.#timer = null;
    this.#setup.frames.reset();
  }

  async #sendAll(viewers: readonly Viewer[], snapshot: S): Promise<void> {
    const texts = new Map<string, string>();
    for (const viewer of viewers) {
      if (!this.#viewers.has(viewer) || !this.#canTake(viewer)) continue;
      let text = texts.get(viewer.key);
      if (text === undefined) {
        try {
          text = await this.#setup.frames.view(viewer.query, snapshot);
        } catch (error) {
          this.#setup.note('a view of the page cannot be shown', error);
          viewer.stream.abort();
          continue;
        }
        texts.set(viewer.key, text);
        await nextTurn();
      }
      if (!this.#viewers.has(viewer)) continue;
      viewer.stream.send('frame', `${snapshot.summary},"view":${text}${this.#log(viewer)}}`);
    }
  }

  /** Whether a viewer reads its events. */
  #canTake(viewer: Viewer): boolean {
    if (viewer.stream.waitingBytes <= WAITING_BYTES_MAX) {
      viewer.stalledMs = null;
      return true;
    }
    const nowMs = this.#setup.clock.monotonicMs();
    viewer.stalledMs ??= nowMs;
    if (nowMs - viewer.stalledMs >= STALLED_MS) viewer.stream.abort();
    return false;
  }

  /** The log lines that the viewer has not been sent. */
  #log(viewer: Viewer): string {
    if (viewer.query.view !== 'log') return '';
    const lines = this.#setup.tail.since(viewer.lastLine);
    viewer.lastLine = this.#setup.tail.lastNumber;
    return `,"log":${JSON.stringify(lines)}`;
  }
}

function restAfter(tookMs: number): number {
  return Math.max(INTERVAL_MS - tookMs, REST_FACTOR * tookMs);
}
