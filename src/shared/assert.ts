/**
 * States what must hold. A failure is a bug: it is never caught, and the process ends.
 *
 * Errors: throws `AssertionError` with the sentence as its message.
 * Thread: any.
 */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new AssertionError(sentence);
}

/** Marks the branch of a `switch` that no value can reach. */
export function assertNever(value: never): never {
  throw new AssertionError(`no such case: ${String(value)}`);
}

/** A broken promise of this program, as opposed to bad input or a failing machine. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}
