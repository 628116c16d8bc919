/**
 * Spreads names over threads: a name always falls on the same thread, on every start. FNV-1a, 32 bits.
 *
 * Thread: any.
 */
export function nameHash(name: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    value = Math.imul(value ^ name.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}
