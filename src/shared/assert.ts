/**
 * Checks a condition that must hold. A failure is a bug: it is never caught, and the process ends.
 *
 * Errors: throws `AssertionError` with the sentence as its message.
 * Thread: any.
 */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new AssertionError(sentence);
}

/** Rethrows an assertion error. Called in every `catch` that handles all errors. */
export function rethrowBug(error: unknown): void {
  if (error instanceof AssertionError) throw error;
}

/** Marks the branch of a `switch` that no value can reach. */
export function assertNever(value: never): never {
  throw new AssertionError(`no such case: ${String(value)}`);
}

/** A bug in this program, as opposed to bad input or a failing machine. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}
