// Runs disk queues from seeds on a disk in memory that loses power and whose calls fail. Exits with 1 if a seed fails,
// and prints the failure with the command that repeats it.
import { runLife } from '../test/crash/random-life.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';
import { runSeeds, SEED_ARGUMENTS } from './kit/seeds.ts';

const USAGE = `usage: node scripts/crash-disk.ts [options]

Runs disk queues on a disk in memory that loses power and whose calls fail, and checks after each
crash that no message is lost.

  --seeds N          number of seeds (default 2000)
  --from S           first seed (default 1)
  --seed S           run only this seed
  --operations K     operations of each run (default 200)
  --no-faults        crashes only; no call fails
  --durable          some appends wait for stable storage: none of those may be missing
  --trace            print each operation
  --keep-going       continue after a seed that fails

Examples:
  node scripts/crash-disk.ts --seeds 100000
  node scripts/crash-disk.ts --seed 4711 --trace

Exit code: 0 every seed passed, 1 a seed failed, 2 bad arguments.`;

const values = readArguments(USAGE, {
  ...SEED_ARGUMENTS,
  seeds: { type: 'string', default: '2000' },
  operations: { type: 'string', default: '200' },
  'no-faults': { type: 'boolean', default: false },
  durable: { type: 'boolean', default: false },
});
const operations = wholeNumber('operations', values.operations, 1, USAGE);
await runSeeds(values, {
  usage: USAGE,
  progressEvery: 500,
  run: (seed, print) => {
    const { durable: isDurable } = values;
    const options = { seed, operations, hasFaults: !values['no-faults'], isDurable };
    return runLife(print === undefined ? options : { ...options, print });
  },
  countsOf: ({ operations: count, crashes, failedCalls, readsAgain }) => ({
    operations: count,
    crashes,
    'failed calls': failedCalls,
    'times read again': readsAgain,
  }),
});
