/**
 * Whether the broker is ready for clients, check by check.
 *
 * Thread: main.
 */

/** The reason that each check fails, or null. */
export type ReadinessReasons = {
  /** The broker is starting. */
  readonly start: string | null;
  /** The broker is shutting down or draining. */
  readonly drain: string | null;
  /** The disk cannot be written or read, or does not answer. */
  readonly disk: string | null;
  /** Less than `--min-free-disk` is free. */
  readonly space: string | null;
  /** The store of replicated topics is unavailable; undefined if there is none. */
  readonly store?: string | null | undefined;
};

/** A check. Shape: as `/readyz?verbose` shows it. */
export type ReadinessCheck = {
  readonly name: keyof ReadinessReasons;
  readonly ok: boolean;
  readonly reason?: string;
};

/** All checks, in the order in which they are shown. */
export function readinessChecks(reasons: ReadinessReasons): ReadinessCheck[] {
  const names = ['start', 'drain', 'disk', 'space', 'store'] as const;
  return names.flatMap((name): ReadinessCheck[] => {
    const reason = reasons[name];
    if (reason === undefined) return [];
    return [reason === null ? { name, ok: true } : { name, ok: false, reason }];
  });
}

/** Whether all checks pass. */
export function isReady(checks: readonly ReadinessCheck[]): boolean {
  return checks.every(({ ok }) => ok);
}
