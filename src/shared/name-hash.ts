/**
 * Spreads names over threads. A name maps to the same thread on every start. The hash is FNV-1a with 32 bits, then
 * mixed: the lowest bit of plain FNV-1a depends only on the lowest bits of the characters, and with few threads only
 * the lowest bits count.
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
