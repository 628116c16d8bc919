/**
 * Frees a buffer's memory immediately. V8 collects buffers only after tens of megabytes of them, and the C library
 * keeps the peak of the memory that was in use.
 *
 * Thread: any.
 */

/** Nothing may use the buffer any more. Has no effect if others share its memory, as small buffers do. */
export function freeMemory({ buffer, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}
