/**
 * Texts of errors and of other values in log lines and messages.
 *
 * Thread: any.
 */

/** The text of an error. An aggregate error without a text of its own yields the texts of its errors. Never throws. */
export function errorText(error: unknown): string {
  try {
    return textOf(error);
  } catch {
    // A program's handler may throw anything, such as a revoked proxy or an object without a prototype.
    return 'an error without a text';
  }
}

/** A value that a program passed, for a message that refuses it. Never throws: objects show only what they are. */
export function valueText(value: unknown): string {
  return Object(value) === value ? `the ${typeof value}` : String(value);
}

function textOf(error: unknown): string {
  // Node throws one when it fails to connect to every address of a host.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(errorText).join(', ');
  }
  return String(error instanceof Error ? error.message : error);
}
