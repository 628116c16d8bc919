/**
 * What a command of `ringmq` that is not the broker gets, and what it answers.
 *
 * Thread: any (types and constants only).
 */

/** The world around a command. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
};

/** A command: resolves with its exit code. `words`: what follows its name. */
export type Companion = (words: readonly string[], surroundings: Surroundings) => Promise<number>;

/** It did what it was told. */
export const DONE_CODE = 0;
/** The broker has refused it, or does not answer. */
export const FAILED_CODE = 1;
/** The words of the command line make no sense. */
export const BAD_USAGE_CODE = 2;
