/**
 * Pseudo-random numbers that can be repeated from their seed (xorshift).
 *
 * Thread: any.
 */

/** An integer from 0 to `below` (exclusive). */
export type Random = (below: number) => number;

/** A generator with this seed. */
export function seededRandom(seed: number): Random {
  // a state of zero would stay zero
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A new seed, unless `SEED` in the environment names one; to be printed. */
export function freshSeed(): number {
  const given = process.env['SEED'];
  return given === undefined ? Date.now() & 0x7fffffff || 1 : Number(given);
}

/** How many new seeds a test uses: `few` in `npm test`, `many` if `SEEDS` is `many`, as in CI afterwards. */
export function seedCount({ few, many }: { readonly few: number; readonly many: number }): number {
  return process.env['SEEDS'] === 'many' ? many : few;
}
