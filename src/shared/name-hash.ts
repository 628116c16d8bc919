/**
 * Spreads names over threads: a name always falls on the same thread, on every start. FNV-1a of 32 bits, then mixed:
 * the lowest bit of FNV-1a is that of the characters' sum, and few threads are told apart by few bits.
 *
 * Thread: any.
 */
export function nameHash(name: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    value = Math.imul(value ^ name.charCodeAt(i), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}
