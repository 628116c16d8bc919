/**
 * Deletes channels without a consumer after the time in their policy, with a warning before.
 *
 * One timer waits for the channel that is due first; there is no timer while none is due. After a start the time
 * begins again, since consumers cannot connect to a stopped broker.
 *
 * Bound: the channels are checked at most once a second, however many are due.
 *
 * Thread: main.
 */

import { formatDuration, NS_PER_MS } from '../../daemon/go/go-duration.ts';
import type { Logger } from '../../daemon/log.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import type { ChannelPolicy } from '../../shared/topic-policy.ts';

/** A channel, as its expiry sees it. */
export interface ExpiringChannel {
  readonly name: string;
  readonly topic: { readonly name: string };
  readonly members: { readonly size: number };
  readonly policy: ChannelPolicy;
  /** The time when its last consumer left. Units: ms, monotonic. */
  idleSinceMs: number;
  /** Whether the warning about its deletion was logged. */
  isExpiring: boolean;
}

/** Its dependencies. */
export type ChannelExpirySetup<Channel> = {
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly onExpired: (channel: Channel) => void;
};

/** The least time between two checks of all channels. */
const LOOK_MS_MIN = 1000;

export class ChannelExpiry<Channel extends ExpiringChannel> {
  readonly #setup: ChannelExpirySetup<Channel>;
  /** Channels that may expire. */
  readonly #watched = new Set<Channel>();
  #timer: Timer | null = null;
  /** When the timer fires; Infinity without one. */
  #nextMs = Number.POSITIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(setup: ChannelExpirySetup<Channel>) {
    this.#setup = setup;
  }

  /** A channel was created or got another policy. */
  onPolicy(channel: Channel): void {
    const { expiresMs } = channel.policy;
    channel.isExpiring = false;
    if (expiresMs === 0) {
      this.#watched.delete(channel);
      return;
    }
    this.#watched.add(channel);
    this.#wait(this.#dueMs(channel));
  }

  /** The last consumer of a channel has left. */
  onIdle(channel: Channel): void {
    channel.idleSinceMs = this.#setup.clock.monotonicMs();
    channel.isExpiring = false;
    if (this.#watched.has(channel)) this.#wait(this.#dueMs(channel));
  }

  /** A channel was deleted. */
  onDeleted(channel: Channel): void {
    this.#watched.delete(channel);
  }

  /** Stops all expiries. */
  stop(): void {
    this.#watched.clear();
    this.#timer?.cancel();
  }

  #look(): void {
    const { clock } = this.#setup;
    const nowMs = clock.monotonicMs();
    this.#timer = null;
    this.#nextMs = Number.POSITIVE_INFINITY;
    this.#lookedMs = nowMs;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const channel of this.#watched) {
      if (channel.members.size > 0) {
        channel.isExpiring = false;
        continue;
      }
      if (this.#dueMs(channel) <= nowMs) this.#onDue(channel, nowMs);
      if (this.#watched.has(channel)) nextMs = Math.min(nextMs, this.#dueMs(channel));
    }
    this.#wait(nextMs);
  }

  #onDue(channel: Channel, nowMs: number): void {
    const { expiresMs } = channel.policy;
    const idleMs = nowMs - channel.idleSinceMs;
    const name = `TOPIC(${channel.topic.name}): channel(${channel.name})`;
    if (idleMs >= expiresMs) {
      this.#watched.delete(channel);
      this.#setup.logger.info(`${name} has had no consumer for ${spell(expiresMs)}, deleting`);
      this.#setup.onExpired(channel);
      return;
    }
    channel.isExpiring = true;
    this.#setup.logger.warn(
      `${name} has had no consumer for ${spell(idleMs)}, and is deleted in ${spell(expiresMs - idleMs)}`,
    );
  }

  /** When a channel without a consumer needs a warning or its deletion. */
  #dueMs({ policy, idleSinceMs, isExpiring }: Channel): number {
    const { expiresMs, warnAfterMs } = policy;
    const warns = warnAfterMs > 0 && warnAfterMs < expiresMs && !isExpiring;
    return idleSinceMs + (warns ? warnAfterMs : expiresMs);
  }

  #wait(untilMs: number): void {
    if (untilMs >= this.#nextMs) return;
    const { clock } = this.#setup;
    this.#timer?.cancel();
    this.#nextMs = Math.max(untilMs, this.#lookedMs + LOOK_MS_MIN);
    this.#timer = clock.after(Math.max(0, this.#nextMs - clock.monotonicMs()), () => this.#look());
  }
}

/** A duration in whole seconds. */
function spell(ms: number): string {
  return formatDuration((ms < 1000 ? Math.ceil(ms) : Math.round(ms / 1000) * 1000) * NS_PER_MS);
}
