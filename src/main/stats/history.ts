/**
 * The last hour of topics and channels: messages in, messages out, depth, in flight and deferred, one point per
 * interval. Each has a track, a slice of a typed array with five 16-bit numbers for each point (`small-number.ts`).
 *
 * Bound: TRACKS_MAX tracks of 824 bytes and their names: 0.9 MiB for 1,000 tracks. At the bound, topics and channels
 * that have messages take over the tracks of those that have been idle the longest, for at least 5 minutes; the others
 * have no history.
 *
 * Thread: main.
 */

import { decodeSmall, encodeSmall, NO_NUMBER } from './small-number.ts';

/** An hour in 80 points. */
export const HISTORY_INTERVAL_MS = 45_000;
const POINTS = 80;
const TRACKS_MAX = 4096;
const SLAB_TRACKS = 64;
/** Intervals without a message after which a track may be reused. */
const IDLE_MIN = 6;

const SERIES = ['in', 'out', 'depth', 'inFlight', 'deferred'] as const;
const TRACK_NUMBERS = POINTS * SERIES.length;

/**
 * The values of one interval. Units: `taken` and `gone` are counters of messages, the others are the number of messages
 * that wait, that consumers have, and that are not due.
 */
export type HistoryPoint = {
  readonly taken: number;
  readonly gone: number;
  readonly depth: number;
  readonly inFlight: number;
  readonly deferred: number;
};

/**
 * The points of a track, oldest first; null where nothing was recorded.
 * Units: `endMs` in Unix ms, of the last point; `in` and `out` in messages per second.
 */
export type HistoryAnswer = {
  readonly endMs: number;
  readonly intervalMs: number;
} & Readonly<Record<(typeof SERIES)[number], (number | null)[]>>;

/** The numbers of SLAB_TRACKS tracks. */
class Slab {
  readonly points = new Uint16Array(SLAB_TRACKS * TRACK_NUMBERS).fill(NO_NUMBER);
  /** The counters at the last interval. */
  readonly taken = new Float64Array(SLAB_TRACKS);
  readonly gone = new Float64Array(SLAB_TRACKS);
  /** The intervals in which it was last seen and last had a message. */
  readonly seen = new Uint32Array(SLAB_TRACKS);
  readonly changed = new Uint32Array(SLAB_TRACKS);
}

export class History {
  readonly #tracksMax: number;
  readonly #slabs: Slab[] = [];
  readonly #tracks = new Map<string, number>();
  /** Unused tracks. */
  #free: number[] = [];
  /** Names whose tracks may be reused at the bound; the one that has been idle the longest is last. */
  #idle: string[] = [];
  /** Names without a track in this interval. */
  #leftOutCount = 0;
  /** Intervals so far. */
  #interval = 0;
  #endMs = 0;
  #elapsedS = 1;

  constructor(tracksMax = TRACKS_MAX) {
    this.#tracksMax = tracksMax;
  }

  /** The number of topics and channels without a track in the last interval. */
  get leftOutCount(): number {
    return this.#leftOutCount;
  }

  /** Bytes of the tracks, without names. */
  get trackBytes(): number {
    return this.#slabs.length * SLAB_TRACKS * (TRACK_NUMBERS * 2 + 24);
  }

  /** Ends an interval. Units: `unixMs` is its end, `elapsedMs` its duration. */
  begin(unixMs: number, elapsedMs: number): void {
    this.#interval++;
    this.#endMs = unixMs;
    this.#elapsedS = elapsedMs / 1000;
    this.#leftOutCount = 0;
    this.#idle = this.#tracks.size < this.#tracksMax ? [] : this.#idleNames();
  }

  /** Records the values of one name. Names are unique within an interval. */
  add(name: string, { taken, gone, depth, inFlight, deferred }: HistoryPoint): void {
    const known = this.#tracks.get(name);
    const hasMessages = taken > 0 || depth > 0 || deferred > 0;
    const track = known ?? this.#newTrack(name, hasMessages);
    if (track === undefined) {
      this.#leftOutCount++;
      return;
    }
    const slab = this.#slabs[Math.floor(track / SLAB_TRACKS)];
    const place = track % SLAB_TRACKS;
    const at = place * TRACK_NUMBERS + this.#column(this.#interval);
    if (known === undefined) {
      slab.points.fill(NO_NUMBER, place * TRACK_NUMBERS, (place + 1) * TRACK_NUMBERS);
      slab.changed[place] = this.#interval;
    } else {
      slab.points[at] = encodeSmall(this.#rate(taken, slab.taken[place]));
      // The count may decrease: requeued messages count as waiting again.
      slab.points[at + 1] = encodeSmall(Math.max(0, gone - slab.gone[place]) / this.#elapsedS);
      if (taken !== slab.taken[place] || gone !== slab.gone[place]) {
        slab.changed[place] = this.#interval;
      }
    }
    slab.points[at + 2] = encodeSmall(depth);
    slab.points[at + 3] = encodeSmall(inFlight);
    slab.points[at + 4] = encodeSmall(deferred);
    slab.taken[place] = taken;
    slab.gone[place] = gone;
    slab.seen[place] = this.#interval;
  }

  /** Frees the tracks of names that were not added in this interval. */
  end(): void {
    for (const [name, track] of this.#tracks) {
      const { seen } = this.#slabs[Math.floor(track / SLAB_TRACKS)];
      if (seen[track % SLAB_TRACKS] === this.#interval) continue;
      this.#tracks.delete(name);
      this.#free.push(track);
    }
  }

  /** The last hour; null if the name has no track. */
  read(name: string): HistoryAnswer | null {
    const track = this.#tracks.get(name);
    if (track === undefined) return null;
    const { points } = this.#slabs[Math.floor(track / SLAB_TRACKS)];
    const base = (track % SLAB_TRACKS) * TRACK_NUMBERS;
    const count = Math.min(this.#interval, POINTS);
    const [taken, gone, depth, inFlight, deferred] = SERIES.map((_, which) => {
      const numbers: (number | null)[] = [];
      for (let back = count - 1; back >= 0; back--) {
        numbers.push(decodeSmall(points[base + this.#column(this.#interval - back) + which]));
      }
      return numbers;
    });
    const when = { endMs: this.#endMs, intervalMs: HISTORY_INTERVAL_MS };
    return { ...when, in: taken, out: gone, depth, inFlight, deferred };
  }

  #column(interval: number): number {
    return (interval % POINTS) * SERIES.length;
  }

  /** A counter that has decreased belongs to a topic that was created again. */
  #rate(count: number, last: number): number {
    return (count < last ? count : count - last) / this.#elapsedS;
  }

  #newTrack(name: string, hasMessages: boolean): number | undefined {
    const track = this.#free.pop() ?? this.#grow() ?? (hasMessages ? this.#takeIdle() : undefined);
    if (track !== undefined) this.#tracks.set(name, track);
    return track;
  }

  #grow(): number | undefined {
    const first = this.#slabs.length * SLAB_TRACKS;
    if (first >= this.#tracksMax) return undefined;
    this.#slabs.push(new Slab());
    const end = Math.min(first + SLAB_TRACKS, this.#tracksMax);
    for (let track = end - 1; track > first; track--) this.#free.push(track);
    return first;
  }

  #takeIdle(): number | undefined {
    const name = this.#idle.pop();
    if (name === undefined) return undefined;
    const track = this.#tracks.get(name);
    this.#tracks.delete(name);
    return track;
  }

  #idleNames(): string[] {
    const idle: [name: string, changed: number][] = [];
    for (const [name, track] of this.#tracks) {
      const changed = this.#slabs[Math.floor(track / SLAB_TRACKS)].changed[track % SLAB_TRACKS];
      if (this.#interval - changed > IDLE_MIN) idle.push([name, changed]);
    }
    return idle.sort(([, a], [, b]) => b - a).map(([name]) => name);
  }
}
