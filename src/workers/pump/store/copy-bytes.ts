/** Below about 64 bytes a loop is cheaper than a call that crosses into the engine. */
const LOOP_BYTES_MAX = 48;

/**
 * Copies `bytes` bytes between different buffers or regions that do not overlap.
 *
 * Thread: any.
 */
export function copyBytes(
  source: Uint8Array,
  from: number,
  target: Buffer,
  to: number,
  bytes: number,
): void {
  if (bytes <= LOOP_BYTES_MAX) {
    for (let i = 0; i < bytes; i++) target[to + i] = source[from + i];
    return;
  }
  // Buffer's `copy` accepts any Uint8Array as `this`.
  (source as Buffer).copy(target, to, from, from + bytes);
}
