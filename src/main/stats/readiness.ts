/**
 * Whether the broker is ready for clients, check by check.
 *
 * Thread: main.
 */

/** What is checked, each by what is wrong, or null. */
export type ReadinessReasons = {
  /** It still starts. */
  readonly start: string | null;
  /** It ends, or drains. */
  readonly drain: string | null;
  /** The disk takes no writes, cannot be read, or does not answer. */
  readonly disk: string | null;
  /** Less than `--min-free-disk` is free. */
  readonly space: string | null;
};

/** A check. Shape: as `/readyz?verbose` shows it. */
export type ReadinessCheck = {
  readonly name: keyof ReadinessReasons;
  readonly ok: boolean;
  readonly reason?: string;
};

/** All checks, in the order in which they are shown. */
export function readinessChecks(reasons: ReadinessReasons): ReadinessCheck[] {
  const names = ['start', 'drain', 'disk', 'space'] as const;
  return names.map((name) => {
    const reason = reasons[name];
    return reason === null ? { name, ok: true } : { name, ok: false, reason };
  });
}

/** Whether every check has passed. */
export function isReady(checks: readonly ReadinessCheck[]): boolean {
  return checks.every(({ ok }) => ok);
}
