/**
 * The text of an error in a log line.
 *
 * Thread: any.
 */

/** The text of an error. An error that stands for several and has no text of its own gives theirs. */
export function errorText(error: unknown): string {
  // Node reports a failure to connect to every address of a host this way.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(errorText).join(', ');
  }
  return error instanceof Error ? error.message : String(error);
}
