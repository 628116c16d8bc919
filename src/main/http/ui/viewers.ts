/**
 * The viewers of the page: each has a stream of events. Once a second one snapshot is taken for all of them, while
 * there are any; viewers that watch the same share its text. Where a snapshot takes long, there are fewer, so that
 * taking them needs at most a fifth of the time.
 *
 * Bound: VIEWERS_MAX; another one is told so, and asks again later. A viewer with WAITING_BYTES_MAX that it has not
 * taken misses frames; when it takes nothing for STALLED_MS it is disconnected.
 *
 * Thread: main.
 */

import type { EventStream } from '../../../daemon/http/event-stream.ts';
import type { LogTail } from '../../../daemon/log-tail.ts';
import { nextTurn } from '../../../daemon/slices.ts';
import type { Clock, Timer } from '../../../shared/clock.ts';
import type { Frames, Snapshot } from './frames.ts';
import type { WatchQuery } from './watch-query.ts';

const VIEWERS_MAX = 32;
const WAITING_BYTES_MAX = 256 * 1024;
const STALLED_MS = 30_000;
const INTERVAL_MS = 1000;
/** How many times as long as a snapshot takes there is none. */
const REST_FACTOR = 4;

/** The stream of a viewer. */
type Stream = Pick<EventStream, 'waitingBytes' | 'send' | 'end' | 'abort'>;

/** A request to watch. */
interface WatchRequest {
  /** Undefined where it is answered already. */
  sendEvents(): Stream | undefined;
  onClosed(callback: () => void): void;
}

type Viewer = {
  readonly stream: Stream;
  readonly query: WatchQuery;
  /** Equal for viewers that watch the same. */
  readonly key: string;
  /** The last line of the log that it was sent. */
  lastLine: number;
  /** Since when it takes nothing; null while it does. Units: ms, monotonic. */
  stalledMs: number | null;
};

/** The dependencies of viewers. */
export type ViewersSetup = {
  readonly frames: Pick<Frames, 'snapshot' | 'view' | 'reset'>;
  readonly tail: Pick<LogTail, 'since' | 'lastNumber'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  /** Logs and counts what fails unforeseen. */
  readonly note: (what: string, error: unknown) => void;
};

export class Viewers {
  readonly #setup: ViewersSetup;
  readonly #viewers = new Set<Viewer>();
  #latest: Snapshot | null = null;
  #timer: Timer | null = null;
  #isTaking = false;

  constructor(setup: ViewersSetup) {
    this.#setup = setup;
  }

  /** How many there are. */
  get count(): number {
    return this.#viewers.size;
  }

  /** Lets the client of this request watch. */
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

  /** Takes a snapshot, sends it, and comes again later. */
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
    const delayMs = Math.max(INTERVAL_MS - tookMs, REST_FACTOR * tookMs);
    this.#timer = clock.after(delayMs, () => {
      if (this.#viewers.size > 0) void this.#take();
      else this.#forget();
    });
    this.#timer.unref();
    if (this.#latest !== null) await this.#sendAll([...this.#viewers], this.#latest);
  }

  /** The last viewer is gone. The timer runs on: whoever comes soon must not have another snapshot taken. */
  #rest(): void {
    if (this.#timer === null) this.#forget();
  }

  #forget(): void {
    this.#latest = null;
    this.#timer = null;
    this.#setup.frames.reset();
  }

  async #sendAll(viewers: readonly Viewer[], snapshot: Snapshot): Promise<void> {
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

  /** Whether a viewer takes what it is sent. */
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

  /** The lines of the log that the viewer has not seen. */
  #log(viewer: Viewer): string {
    if (viewer.query.view !== 'log') return '';
    const lines = this.#setup.tail.since(viewer.lastLine);
    viewer.lastLine = this.#setup.tail.lastNumber;
    return `,"log":${JSON.stringify(lines)}`;
  }
}
