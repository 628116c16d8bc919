/**
 * How long a topic or channel was unavailable: the longest time between two successes.
 *
 * Units: ms, monotonic.
 */

export class ServiceGaps {
  readonly #last = new Map<string, number>();
  readonly #longest = new Map<string, number>();

  /** An operation has succeeded there. */
  add(place: string, nowMs: number): void {
    this.#note(place, nowMs);
    this.#last.set(place, nowMs);
  }

  /** The place with the longest gap since the last call, and the length of the gap. Gaps that have not ended count. */
  take(nowMs: number): { place: string; ms: number } {
    for (const place of this.#last.keys()) this.#note(place, nowMs);
    let worst = { place: 'nowhere', ms: 0 };
    for (const [place, ms] of this.#longest) if (ms > worst.ms) worst = { place, ms };
    this.#longest.clear();
    for (const place of this.#last.keys()) this.#last.set(place, nowMs);
    return worst;
  }

  #note(place: string, nowMs: number): void {
    const ms = nowMs - (this.#last.get(place) ?? nowMs);
    this.#longest.set(place, Math.max(ms, this.#longest.get(place) ?? 0));
  }
}
