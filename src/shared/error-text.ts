/**
 * What a log line says of an error.
 *
 * Thread: any.
 */

/** The text of an error; of one that stands for several, and has none of its own, theirs. */
export function errorText(error: unknown): string {
  // Node reports a failure to connect to every address of a host this way.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(errorText).join(', ');
  }
  return error instanceof Error ? error.message : String(error);
}
