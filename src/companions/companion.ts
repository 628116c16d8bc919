/**
 * The interface of `ringmq` commands other than the broker.
 *
 * Thread: any (types and constants only).
 */

/** The environment of a command. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
};

/** A command: resolves with its exit code. `words`: the arguments after its name. */
export type Companion = (words: readonly string[], surroundings: Surroundings) => Promise<number>;

/** Success. */
export const DONE_CODE = 0;
/** The broker refused the request or did not answer. */
export const FAILED_CODE = 1;
/** The command line is invalid. */
export const BAD_USAGE_CODE = 2;
