/**
 * Memory that clients share for large bodies. Each body reserves its whole size before more of it is read. A client
 * that finds no room waits in a line and is not read meanwhile.
 *
 * While clients wait, the others must make progress within some time, or they are disconnected. That time is a second
 * at most, and shorter the longer the line is. A client that has completed a body on its connection has more time.
 *
 * The next in line is a client of the host that has least reserved. Among its clients, two take turns: the one that has
 * waited longest, and one that will probably be done soon, which has completed a body before or has the smallest one.
 * So a small body is served within about a second, however many clients have stalled before it, and a large one does
 * not wait forever.
 *
 * Bound: the reserved bytes. A single body may be larger than the share, and one host may have HOST_SHARE of it. A
 * waiting client holds what one read brought. A complete body that waits for a pump counts, and does not wait here.
 *
 * Units: bytes, ms. Thread: main.
 */

import type { Clock, Timer } from '../../shared/clock.ts';

/** A sender of bodies: one for each connection. */
export interface BodyClient {
  /** Its address without the port; empty for a unix socket. */
  readonly remoteIp: string;
  /** Whether it has not identified itself. */
  readonly isGuest: boolean;
}

/** Gathers bodies: a connection, or a request. */
export interface BodyGatherer {
  readonly client: BodyClient;
  /** Stops reading for now. May be called several times. */
  pause(): void;
  /** Continues to read. It may `note` at once. */
  resume(): void;
  /** Ends, because it makes no progress. False: the broker causes the delay, and it continues. */
  abort(): boolean;
  toString(): string;
}

/** The listener of a share. */
export interface BodyShareListener {
  /** The number of bodies that wait for memory now, one more than before. */
  onWaiting(count: number): void;
  onAborted(gatherer: BodyGatherer): void;
}

/** The longest time without progress, for a client that has completed a body and for one that has not. */
const PATIENCE_MS = 1000;
const FIRST_PATIENCE_MS = 500;
/** The shortest such time, however many wait. */
const PATIENCE_MS_MIN = 50;
/** A body that grows by this many bytes makes progress. */
const PROGRESS_BYTES = 64 * 1024;
/** How often progress is checked. */
const LOOK_MS = 10;
/** A client is aborted only after this many checks: the broker may not have read from it in between. */
const LOOKS_MIN = 3;
/** The part of a share that one host may have. */
const HOST_SHARE = 3 / 4;

type State = 'gathering' | 'waiting' | 'whole';

/** The state of a body, or of complete ones that wait. */
type Entry = {
  readonly gatherer: BodyGatherer;
  readonly host: Host;
  readonly state: State;
  /** Bytes that have arrived. */
  heldBytes: number;
  /** Its bytes when it is complete. */
  readonly wantedBytes: number;
  /** Its bytes and the time when it last made progress, and how often it was checked since. */
  markBytes: number;
  markMs: number;
  lookCount: number;
};

/** What one host has reserved, and the number of its entries. */
type Host = { setAsideBytes: number; gatheringCount: number; entryCount: number };

export class BodyShare {
  readonly #boundBytes: number;
  readonly #clock: Clock;
  readonly #listener: BodyShareListener;
  readonly #entries = new Map<BodyGatherer, Entry>();
  /** The entries that wait, in order of arrival. */
  readonly #line = new Set<Entry>();
  readonly #hosts = new Map<string, Host>();
  /** Clients that have completed a large body. */
  readonly #proven = new WeakSet<BodyClient>();
  #setAsideBytes = 0;
  #gatheringCount = 0;
  #isSmallestNext = true;
  #look: Timer | null = null;

  constructor(boundBytes: number, clock: Clock, listener: BodyShareListener) {
    this.#boundBytes = boundBytes;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Bytes that are reserved for large bodies. */
  get setAsideBytes(): number {
    return this.#setAsideBytes;
  }

  has(gatherer: BodyGatherer): boolean {
    return this.#entries.has(gatherer);
  }

  isWaiting(gatherer: BodyGatherer): boolean {
    return this.#entries.get(gatherer)?.state === 'waiting';
  }

  /** Reports how much of a large body is held, and its size when complete. `isNext`: it is another body than before. */
  note(gatherer: BodyGatherer, heldBytes: number, wantedBytes: number, isNext: boolean): void {
    const entry = this.#entries.get(gatherer);
    if (entry === undefined) {
      this.#begin(gatherer, heldBytes, wantedBytes);
    } else if (isNext || heldBytes >= wantedBytes || entry.state === 'whole') {
      this.#end(entry);
      this.#begin(gatherer, heldBytes, wantedBytes);
      if (entry.state === 'waiting' && !this.isWaiting(gatherer)) gatherer.resume();
    } else if (entry.state === 'gathering' && wantedBytes > entry.wantedBytes) {
      this.#grow(entry, heldBytes, wantedBytes);
    } else {
      entry.heldBytes = heldBytes;
      if (heldBytes - entry.markBytes >= PROGRESS_BYTES) this.#mark(entry);
      // A read that was pending when it was paused may have completed.
      if (entry.state === 'waiting') gatherer.pause();
    }
  }

  /** Its large body is complete, and no other one has begun. */
  finish(gatherer: BodyGatherer): void {
    const entry = this.#entries.get(gatherer);
    if (entry === undefined) return;
    this.#end(entry);
    if (entry.state === 'waiting') gatherer.resume();
    this.#admit();
  }

  /** It has ended, or holds nothing for another reason. */
  forget(gatherer: BodyGatherer): void {
    const entry = this.#entries.get(gatherer);
    if (entry === undefined) return;
    this.#remove(entry);
    this.#admit();
  }

  #begin(gatherer: BodyGatherer, heldBytes: number, wantedBytes: number): void {
    let state: State = 'gathering';
    if (heldBytes >= wantedBytes) state = 'whole';
    else if (this.#line.size > 0 || !this.#hasRoom(gatherer, wantedBytes)) state = 'waiting';
    this.#add(gatherer, state, heldBytes, Math.max(heldBytes, wantedBytes));
    if (state === 'waiting') {
      gatherer.pause();
      this.#listener.onWaiting(this.#line.size);
    }
    // The memory of the previous body may be free.
    this.#admit();
  }

  /** A body is larger than declared, which no correct client sends. */
  #grow(entry: Entry, heldBytes: number, wantedBytes: number): void {
    const { gatherer } = entry;
    this.#remove(entry);
    if (this.#hasRoom(gatherer, wantedBytes) || !gatherer.abort()) {
      this.#add(gatherer, 'gathering', heldBytes, wantedBytes);
    } else {
      this.#listener.onAborted(gatherer);
    }
    this.#admit();
  }

  #end(entry: Entry): void {
    if (entry.state === 'gathering') this.#proven.add(entry.gatherer.client);
    this.#remove(entry);
  }

  // The line

  /** Resumes waiting clients while there is room. */
  #admit(): void {
    for (;;) {
      const next = this.#next();
      if (next === undefined || !this.#hasRoom(next.gatherer, next.wantedBytes)) break;
      this.#isSmallestNext = !this.#isSmallestNext;
      this.#remove(next);
      this.#add(next.gatherer, 'gathering', next.heldBytes, next.wantedBytes);
      next.gatherer.resume();
    }
    this.#watch();
  }

  #next(): Entry | undefined {
    let next: Entry | undefined;
    for (const entry of this.#line) {
      if (next === undefined || this.#isBefore(entry, next)) next = entry;
    }
    return next;
  }

  /** Whether it takes precedence over one that has waited longer. */
  #isBefore(entry: Entry, other: Entry): boolean {
    const hostBytes = entry.host.setAsideBytes - other.host.setAsideBytes;
    if (hostBytes !== 0) return hostBytes < 0;
    if (!this.#isSmallestNext) return false;
    const isProven = this.#isProven(entry);
    if (isProven !== this.#isProven(other)) return isProven;
    return entry.wantedBytes < other.wantedBytes;
  }

  #isProven({ gatherer }: Entry): boolean {
    return this.#proven.has(gatherer.client);
  }

  #hasRoom({ client }: BodyGatherer, bytes: number): boolean {
    if (this.#gatheringCount === 0) return true;
    if (this.#setAsideBytes + bytes > this.#boundBytes) return false;
    const known = this.#hosts.get(client.remoteIp);
    if (known === undefined || known.gatheringCount === 0) return true;
    return known.setAsideBytes + bytes <= this.#boundBytes * HOST_SHARE;
  }

  // Progress

  /** Checks progress while clients wait. */
  #watch(): void {
    if (this.#line.size === 0) {
      this.#look?.cancel();
      this.#look = null;
      return;
    }
    if (this.#look === null) this.#lookLater();
  }

  #lookLater(): void {
    this.#look = this.#clock.after(LOOK_MS, () => {
      this.#look = null;
      this.#lookForProgress();
    });
    this.#look.unref();
  }

  #lookForProgress(): void {
    const nowMs = this.#clock.monotonicMs();
    const portion = this.#gatheringCount / this.#line.size;
    for (const entry of [...this.#entries.values()]) {
      if (entry.state !== 'gathering' || this.#entries.get(entry.gatherer) !== entry) continue;
      entry.lookCount++;
      const longestMs = this.#isProven(entry) ? PATIENCE_MS : FIRST_PATIENCE_MS;
      const patienceMs = Math.max(PATIENCE_MS_MIN, longestMs * Math.min(1, portion));
      if (nowMs - entry.markMs < patienceMs || entry.lookCount < LOOKS_MIN) continue;
      this.#abort(entry);
      if (this.#line.size === 0) break;
    }
    this.#admit();
  }

  #abort(entry: Entry): void {
    const { gatherer } = entry;
    if (!gatherer.abort()) {
      this.#mark(entry);
      return;
    }
    this.#listener.onAborted(gatherer);
    // It may have reported this itself.
    if (this.#entries.get(gatherer) === entry) this.forget(gatherer);
  }

  #mark(entry: Entry): void {
    entry.markBytes = entry.heldBytes;
    entry.markMs = this.#clock.monotonicMs();
    entry.lookCount = 0;
  }

  // Entries

  #add(gatherer: BodyGatherer, state: State, heldBytes: number, wantedBytes: number): void {
    const { remoteIp } = gatherer.client;
    const host = this.#hosts.get(remoteIp) ?? {
      setAsideBytes: 0,
      gatheringCount: 0,
      entryCount: 0,
    };
    if (host.entryCount++ === 0) this.#hosts.set(remoteIp, host);
    const entry: Entry = {
      gatherer,
      host,
      state,
      heldBytes,
      wantedBytes,
      markBytes: heldBytes,
      markMs: this.#clock.monotonicMs(),
      lookCount: 0,
    };
    this.#entries.set(gatherer, entry);
    if (state === 'waiting') this.#line.add(entry);
    else this.#count(entry, 1);
  }

  #remove(entry: Entry): void {
    const { gatherer, host } = entry;
    this.#entries.delete(gatherer);
    if (!this.#line.delete(entry)) this.#count(entry, -1);
    if (--host.entryCount === 0) this.#hosts.delete(gatherer.client.remoteIp);
  }

  /** Reserves memory, or releases it. */
  #count({ host, state, wantedBytes }: Entry, sign: 1 | -1): void {
    const bytes = sign * wantedBytes;
    const gathering = state === 'gathering' ? sign : 0;
    host.setAsideBytes += bytes;
    host.gatheringCount += gathering;
    this.#setAsideBytes += bytes;
    this.#gatheringCount += gathering;
  }
}
