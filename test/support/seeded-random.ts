/**
 * Numbers that look random and can be had again from their seed (xorshift).
 *
 * Thread: any.
 */

/** An integer from 0 up to, and not including, `below`. */
export type Random = (below: number) => number;

/** Numbers from this seed. */
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

/** A seed that no earlier run had, unless `SEED` in the environment names one; to be printed. */
export function freshSeed(): number {
  const given = process.env['SEED'];
  return given === undefined ? Date.now() & 0x7fffffff || 1 : Number(given);
}

/** How many fresh seeds a test takes: `few` in `npm test`, `many` where `SEEDS` is `many`, as in CI afterwards. */
export function seedCount({ few, many }: { readonly few: number; readonly many: number }): number {
  return process.env['SEEDS'] === 'many' ? many : few;
}
