// Runs clients against a model of a broker, over connections that break, from seeds. Exits with 1 if a seed fails, and
// prints the failure with the command that repeats it.
import { simulateClients } from '../test/sim/client/client-simulation.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';
import { runSeeds, SEED_ARGUMENTS } from './kit/seeds.ts';

const USAGE = `usage: node scripts/simulate-clients.ts [options]

Runs producers, consumers and brokers in one thread, over connections that drop, delay and cut what they carry, with
a clock of its own. Checks after each step that clients keep the rules, and at the end that nothing is lost.

  --seeds N          number of seeds (default 1000)
  --from S           first seed (default 1)
  --seed S           run only this seed
  --steps K          steps of each run (default 600)
  --trace            print each step
  --keep-going       continue after a seed that fails

Examples:
  node scripts/simulate-clients.ts --seeds 10000
  node scripts/simulate-clients.ts --seed 4711 --trace

Exit code: 0 every seed passed, 1 a seed failed, 2 bad arguments.`;

const values = readArguments(USAGE, {
  ...SEED_ARGUMENTS,
  seeds: { type: 'string', default: '1000' },
  steps: { type: 'string', default: '600' },
});
const steps = wholeNumber('steps', values.steps, 1, USAGE);
await runSeeds(values, {
  usage: USAGE,
  progressEvery: 100,
  run: (seed, print) => simulateClients({ seed, steps, print }),
  countsOf: ({ takenCount }) => ({ messages: takenCount }),
});
