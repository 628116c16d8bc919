/** Below about 64 bytes a loop is cheaper than a call that crosses into the engine. */
const LOOP_BYTES_MAX = 48;

/**
 * Copies `bytes` bytes, between different buffers or places that do not overlap.
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
  // Through the prototype, Buffer's copy takes any Uint8Array as source.
  (source as Buffer).copy(target, to, from, from + bytes);
}
