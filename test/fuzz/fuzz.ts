/** Feeds every parser inputs from a seed, one after the other. */

import { seededRandom } from '../support/seeded-random.ts';
import { nextInput } from './inputs.ts';
import { PARSERS } from './parsers.ts';

/**
 * Each round gives one input to every parser, until `isEnough` of the rounds so far. Returns the number of rounds.
 * Errors: rejects with the first finding, named by parser, seed and round, with the input in base64.
 */
export async function fuzz(seed: number, isEnough: (rounds: number) => boolean): Promise<number> {
  const below = seededRandom(seed);
  let rounds = 0;
  while (!isEnough(rounds)) {
    const input = nextInput(below);
    for (const [name, parse] of Object.entries(PARSERS)) {
      try {
        await parse(Buffer.from(input));
      } catch (cause) {
        const where = `${name}, seed ${seed}, round ${rounds}`;
        throw new Error(`${where}: ${input.toString('base64').slice(0, 2000)}`, { cause });
      }
    }
    rounds++;
  }
  return rounds;
}
