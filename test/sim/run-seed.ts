/**
 * A run that a seed decides, and the error that says how to repeat it.
 *
 * Thread: any.
 */

/** What a seed drives, step by step. */
export type SeededRun<T> = {
  /** The current step; 0 before the first. */
  readonly step: number;
  run(): Promise<T>;
};

/**
 * `replay`: a command that repeats the seed, if there is one.
 *
 * Errors: rejects with the violation, the seed and the step.
 */
export async function runSeed<T>(seed: number, life: SeededRun<T>, replay?: string): Promise<T> {
  try {
    return await life.run();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const again = replay === undefined ? '' : `\nreplay: ${replay}`;
    throw new Error(`seed ${seed} fails in step ${life.step}: ${reason}${again}`, { cause });
  }
}
