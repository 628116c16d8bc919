/**
 * Bytes that are copied into many lines: a name, or the end of the labels. Four bytes are copied at a time, so some
 * bytes beyond the end are read and written.
 *
 * Thread: any.
 */

/** Bytes that one step of `copyWords` takes. */
export const WORD_BYTES = 4;

/** Shape: `view` has at least WORD_BYTES more than `length`. */
export type LinePart = { readonly view: DataView; readonly length: number };

/** The part of a text. */
export function linePart(text: string): LinePart {
  const bytes = Buffer.from(text);
  const padded = new Uint8Array(bytes.length + WORD_BYTES);
  padded.set(bytes);
  return { view: viewOf(padded), length: bytes.length };
}

/** A view of the bytes of an array. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Copies the bytes from `start` to `end`, and up to WORD_BYTES - 1 beyond them. For a few dozen bytes this is faster
 * than a call that needs a view of them, and than a loop over single bytes.
 */
export function copyWords(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  to: number,
): void {
  for (let at = start; at < end; at += WORD_BYTES) {
    target.setInt32(to + at - start, source.getInt32(at, true), true);
  }
}
