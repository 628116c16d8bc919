/**
 * How often the fleet is polled: every INTERVAL_MS, or less often where that would take more than CPU_SHARE of a core,
 * as for many nodes with many topics, but at least every PAUSE_MS_MAX.
 *
 * Thread: main.
 */

const INTERVAL_MS = 2000;
const PAUSE_MS_MAX = 30_000;
/** Of one core. */
const CPU_SHARE = 0.015;
/** The second snapshot has the first rates, so it does not wait. */
const FREE_SNAPSHOTS = 2;

export class CpuPace {
  readonly #usedCpuMs: () => number;
  #snapshots = 0;
  #startMs = 0;

  constructor(cpuMs: () => number = usedCpuMs) {
    this.#usedCpuMs = cpuMs;
  }

  /** The first viewer has come. */
  reset(): void {
    this.#snapshots = 0;
  }

  /** A snapshot begins. */
  begin(): void {
    this.#startMs = this.#usedCpuMs();
  }

  /** The pause after a snapshot that took this long. */
  pauseMs(tookMs: number): number {
    const shortestMs = Math.max(0, INTERVAL_MS - tookMs);
    if (++this.#snapshots < FREE_SNAPSHOTS) return shortestMs;
    const usedMs = this.#usedCpuMs() - this.#startMs;
    return Math.max(shortestMs, Math.min(usedMs / CPU_SHARE, PAUSE_MS_MAX));
  }
}

function usedCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
