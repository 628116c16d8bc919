/**
 * Numbers from 0 up in 16 bits, for charts: five bits of exponent and eleven of fraction. The range is 34 billion, with
 * an error of at most 0.025 %, in steps of 1/64 below 32; a larger number is stored as the largest.
 *
 * Thread: any (pure).
 */

const FRACTION_BITS = 11;
const FRACTIONS = 2 ** FRACTION_BITS;
/** The smallest step, as a power of two. */
const STEP = 1 / 64;
const EXPONENT_MAX = 30;
const LARGEST = (EXPONENT_MAX + 1) * FRACTIONS - 1;

/** No number was recorded. */
export const NO_NUMBER = 0xffff;

/** The 16 bits of the nearest number that they can hold. */
export function encodeSmall(value: number): number {
  const steps = value / STEP;
  if (steps < FRACTIONS) return Math.round(steps);
  const exponent = Math.floor(Math.log2(steps)) - FRACTION_BITS + 1;
  const fraction = Math.round(steps / 2 ** (exponent - 1)) - FRACTIONS;
  return Math.min(exponent * FRACTIONS + fraction, LARGEST);
}

/** The number in 16 bits; null for none. */
export function decodeSmall(small: number): number | null {
  if (small === NO_NUMBER) return null;
  const exponent = Math.floor(small / FRACTIONS);
  if (exponent === 0) return small * STEP;
  return ((small % FRACTIONS) + FRACTIONS) * 2 ** (exponent - 1) * STEP;
}
