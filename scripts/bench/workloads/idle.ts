/** Many idle consumers: how much memory each takes, and whether heartbeats come in time. */

import { setTimeout as delay } from 'node:timers/promises';
import type { HostPort } from '../../../src/daemon/host-port.ts';
import { identify, NOP } from '../../../src/protocol/commands.ts';
import { Durations } from '../percentiles.ts';
import { type FrameHandler, FrameReader } from '../wire/frame-reader.ts';
import type { Link } from '../wire/link.ts';
import { connectMany } from '../wire/link.ts';
import type { Outcome, ProgressCount } from './workload.ts';

export type IdleOrder = {
  readonly address: HostPort;
  readonly topic: string;
  readonly channel: string;
  readonly consumers: number;
  readonly heartbeatMs: number;
  /** How long they are observed. */
  readonly seconds: number;
  /** How long the server has to settle after the last of them. */
  readonly settleMs: number;
};

/**
 * Counts consumers; the percentiles are the deviations of heartbeats from the times that the first one of a consumer
 * implies.
 */
export async function idle(order: IdleOrder, progress: ProgressCount): Promise<Outcome> {
  const watch = new Watch();
  const sleepers: Sleeper[] = [];
  const subscribed: Promise<void>[] = [];
  await connectMany(order.consumers, order.address, undefined, (link) => {
    const sleeper = new Sleeper(link, order, watch);
    sleepers.push(sleeper);
    subscribed.push(sleeper.subscribed());
    progress.done = sleepers.length;
  });
  await Promise.all(subscribed);
  await Promise.race([delay(order.settleMs), watch.failed.promise]);
  progress.allowQuiet(order.seconds * 1000);
  await progress.started();
  const startMs = performance.now();
  watch.isOn = true;
  await Promise.race([delay(order.seconds * 1000), watch.failed.promise]);
  watch.isOn = false;
  const elapsedMs = performance.now() - startMs;
  const missed = sleepers.map((sleeper) => sleeper.missed(performance.now()));
  for (const sleeper of sleepers) sleeper.close();
  return {
    count: order.consumers,
    elapsedMs,
    percentiles: watch.offTime.percentiles(),
    figures: {
      heartbeats: watch.heartbeats,
      missedHeartbeats: missed.reduce((sum, count) => sum + count, 0),
    },
  };
}

/** The heartbeats of all consumers together. */
class Watch {
  readonly offTime = new Durations();
  readonly failed = Promise.withResolvers<never>();
  heartbeats = 0;
  isOn = false;

  constructor() {
    // A failure that nobody races for is seen by the next race.
    this.failed.promise.catch(() => undefined);
  }
}

class Sleeper implements FrameHandler {
  readonly #link: Link;
  readonly #watch: Watch;
  readonly #heartbeatMs: number;
  readonly #subscribed = Promise.withResolvers<void>();
  /** IDENTIFY and SUB are answered. */
  #unanswered = 2;
  #firstMs = 0;
  #beats = 0;
  readonly #connectedMs = performance.now();

  constructor(link: Link, order: IdleOrder, watch: Watch) {
    this.#link = link;
    this.#watch = watch;
    this.#heartbeatMs = order.heartbeatMs;
    // It may fail before the caller awaits it.
    this.#subscribed.promise.catch(() => undefined);
    const reader = new FrameReader(this);
    link.listen({
      onBytes: (chunk, end) => reader.take(chunk, end),
      onGone: (error) => this.#onFailed(error),
    });
    const subscribe = Buffer.from(`SUB ${order.topic} ${order.channel}\nRDY 1\n`);
    link.send(Buffer.concat([identify({ heartbeat_interval: order.heartbeatMs }), subscribe]));
  }

  subscribed(): Promise<void> {
    return this.#subscribed.promise;
  }

  /**
   * How many heartbeats should have come by now and have not; the one that may be under way is not counted as missed.
   */
  missed(nowMs: number): number {
    const sinceMs = this.#beats === 0 ? this.#connectedMs : this.#firstMs;
    const due = Math.floor((nowMs - sinceMs) / this.#heartbeatMs) + (this.#beats === 0 ? 0 : 1);
    return Math.max(0, due - this.#beats - 1);
  }

  close(): void {
    this.#link.close();
  }

  onOk(count: number): void {
    this.#unanswered -= count;
    if (this.#unanswered === 0) this.#subscribed.resolve();
  }

  onHeartbeat(): void {
    this.#link.send(NOP);
    const nowMs = performance.now();
    if (this.#beats === 0) this.#firstMs = nowMs;
    const dueMs = this.#firstMs + this.#beats * this.#heartbeatMs;
    this.#beats++;
    if (!this.#watch.isOn) return;
    this.#watch.heartbeats++;
    // the first one determines the times of the others
    if (this.#beats > 1) this.#watch.offTime.add(Math.abs(nowMs - dueMs));
  }

  onMessage(): void {
    this.#onFailed(new Error('a message came to a consumer that was to be idle'));
  }

  onError(text: string): void {
    this.#onFailed(new Error(`the server says ${text}`));
  }

  #onFailed(error: Error): void {
    this.#subscribed.reject(error);
    this.#watch.failed.reject(error);
  }
}
