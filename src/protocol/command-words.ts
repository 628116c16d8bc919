/**
 * The words of a command line.
 *
 * Thread: any. Source: nsqd `protocolV2.Exec`.
 */

const ZERO = 0x30;
const NINE = 0x39;
const WORD64 = 2n ** 64n;
/** A double represents every number of this many digits exactly. */
const SAFE_DIGITS = 15;

/** Splits a line at every single space; two spaces make an empty word. Bytes become code units (latin1). */
export function splitWords(bytes: Buffer, at: number, end: number): string[] {
  return bytes.toString('latin1', at, end).split(' ');
}

/** A word's bytes as they were sent. */
export function wordBytes(word: string): Buffer {
  return Buffer.from(word, 'latin1');
}

/**
 * Reads an unsigned decimal number: digits only, none of them meaning 0, and arithmetic modulo 2^64 as in
 * nsqd. Returns undefined for anything else.
 */
export function parseDigits(word: string): bigint | number | undefined {
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    if (code < ZERO || code > NINE) return undefined;
  }
  if (word.length <= SAFE_DIGITS) return word === '' ? 0 : Number(word);
  return BigInt(word) % WORD64;
}

/** Converts a number to a signed 64-bit integer, as Go does. */
export function toInt64(value: bigint | number): bigint {
  return BigInt.asIntN(64, BigInt(value));
}

/** Converts a number of ms to a duration as Go stores it: in ns, modulo 2^64, signed. Units: ms in, ms out. */
export function toDurationMs(value: bigint | number): number {
  if (typeof value === 'number' && value <= DURATION_MS_SAFE) return value;
  return Number(BigInt.asIntN(64, BigInt(value) * NS_PER_MS)) / Number(NS_PER_MS);
}

const NS_PER_MS = 1_000_000n;
/** Durations up to here do not overflow. */
const DURATION_MS_SAFE = 2 ** 42;
