/**
 * The interface of `ringmq` commands other than the broker.
 *
 * Thread: any (types and constants only).
 */

import type { Readable } from 'node:stream';

/** The environment of a command. */
export type CommandContext = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Writes to standard output. Resolves when the bytes are handed to the system. */
  readonly output: (bytes: Uint8Array) => Promise<void>;
  /** Standard input, for commands that read it piece by piece. */
  readonly input: () => Readable;
  /** Reads standard input to its end. */
  readonly readInput: () => Promise<Buffer>;
  /** Asks the user at the terminal; null without a terminal. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** The terminal of standard output; null for a file or a pipe. Units: columns and rows. */
  readonly screen: { readonly width: () => number; readonly height: () => number } | null;
  /** Whether standard error is a terminal. */
  readonly hasErrorScreen: boolean;
  /** Units: ms. */
  readonly wait: (delayMs: number) => Promise<void>;
  /** Resolves when the user at the terminal interrupts the command, which then decides how to end. */
  readonly interrupted: () => Promise<void>;
};

/** A command: resolves with its exit code. `words`: the arguments after its name. */
export type Companion = (words: readonly string[], context: CommandContext) => Promise<number>;

/** Success. */
export const DONE_CODE = 0;
/** The broker refused the request, or what was requested does not exist. */
export const REFUSED_CODE = 1;
/** The command line is invalid. */
export const BAD_USAGE_CODE = 2;
/** The broker does not answer. */
export const UNREACHABLE_CODE = 3;
/** The user did not confirm a command that destroys messages; nothing was done. */
export const UNCONFIRMED_CODE = 4;
/** `verify` or `backup` has found damage. */
export const DAMAGED_CODE = 1;
/** `verify` or `backup` cannot read the directory, or the backup cannot be written. */
export const UNREADABLE_CODE = 3;
