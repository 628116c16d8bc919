/**
 * The text of an error in a log line.
 *
 * Thread: any.
 */

/** The text of an error. An aggregate error without a text of its own yields the texts of its errors. */
export function errorText(error: unknown): string {
  // Node throws one when it fails to connect to every address of a host.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(errorText).join(', ');
  }
  return error instanceof Error ? error.message : String(error);
}
