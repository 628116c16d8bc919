/**
 * Reports to the watchers of a topic which producers it gets and loses, as it happens.
 *
 * A watcher first gets all active producers (`producers`), then the changes (`added`, `removed`). Changes of one turn
 * are reported together. Changes by time, such as the end of a tombstone, are found at the next sign of life.
 *
 * Bound: WATCHERS_MAX watchers; one that does not read its events is disconnected, and starts again.
 *
 * Thread: main.
 */

import type { EventStream } from '../../daemon/http/event-stream.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import type { Producer } from './producer.ts';
import type { Registrations, Topic } from './registrations.ts';

/** Most watchers at the same time. */
const WATCHERS_MAX = 10_000;
/** Unsent bytes of a watcher, beyond its first event, at which it is disconnected. */
const UNTAKEN_BYTES_MAX = 64 * 1024;
/** How often watchers get a sign of life. */
const BEAT_MS = 15_000;

/** A topic with watchers. */
type Watched = {
  readonly streams: Set<EventStream>;
  /** The producers that watchers know of. */
  told: Set<Producer>;
};

export class Watchers {
  count = 0;

  readonly #registrations: Registrations;
  readonly #clock: Clock;
  readonly #topics = new Map<string, Watched>();
  readonly #changed = new Set<string>();
  #beat: Timer | null = null;

  constructor(registrations: Registrations, clock: Clock) {
    this.#registrations = registrations;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.count >= WATCHERS_MAX;
  }

  /** Sends the current producers to a new watcher. The caller calls `remove` when its connection has closed. */
  add(topicName: string, stream: EventStream): void {
    const watched = this.#topics.get(topicName) ?? { streams: new Set(), told: new Set() };
    this.#topics.set(topicName, watched);
    // First, earlier watchers get what has changed since their last event.
    this.#refresh(topicName, watched);
    watched.streams.add(stream);
    this.count++;
    stream.send('producers', `{"producers":${listJson(watched.told)}}`);
    this.#beat ??= this.#nextBeat();
  }

  remove(topicName: string, stream: EventStream): void {
    const watched = this.#topics.get(topicName);
    if (watched?.streams.delete(stream) !== true) return;
    this.count--;
    if (watched.streams.size === 0) this.#topics.delete(topicName);
  }

  /** The producers of a topic may have changed. */
  note(topicName: string): void {
    if (!this.#topics.has(topicName)) return;
    if (this.#changed.size === 0) setImmediate(() => this.#tell());
    this.#changed.add(topicName);
  }

  /** Ends all streams. */
  close(): void {
    this.#beat?.cancel();
    for (const { streams } of this.#topics.values()) {
      for (const stream of streams) stream.end();
    }
  }

  #tell(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const topicName of changed) {
      const watched = this.#topics.get(topicName);
      if (watched !== undefined) this.#refresh(topicName, watched);
    }
  }

  #refresh(topicName: string, watched: Watched): void {
    const now = new Set(this.#active(this.#registrations.topics.get(topicName)));
    const added = [...now].filter((producer) => !watched.told.has(producer));
    const removed = [...watched.told].filter((producer) => !now.has(producer));
    watched.told = now;
    if (added.length > 0) send(watched, 'added', `{"producers":${listJson(added)}}`);
    if (removed.length > 0) send(watched, 'removed', `{"producers":${listJson(removed)}}`);
  }

  #active(topic: Topic | undefined): Iterable<Producer> {
    return topic === undefined ? [] : this.#registrations.activeProducers(topic);
  }

  #nextBeat(): Timer {
    const timer = this.#clock.after(BEAT_MS, () => {
      for (const [topicName, watched] of this.#topics) {
        this.#refresh(topicName, watched);
        send(watched, 'alive', '{}');
      }
      this.#beat = this.#topics.size === 0 ? null : this.#nextBeat();
    });
    timer.unref();
    return timer;
  }
}

/** The producers as a JSON list, in the form of `/lookup`. */
export function listJson(producers: Iterable<Producer>): string {
  let text = '';
  for (const { json } of producers) text += text === '' ? `{${json}}` : `,{${json}}`;
  return `[${text}]`;
}

function send({ streams }: Watched, event: string, data: string): void {
  for (const stream of streams) {
    if (stream.waitingBytes > UNTAKEN_BYTES_MAX + data.length) stream.abort();
    else stream.send(event, data);
  }
}
