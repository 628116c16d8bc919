// Runs disk queues from seeds on a disk in memory that loses power, and whose calls fail. Ends with status 1 if a
// seed fails; what failed is printed with the command that runs it again.
import { runLife } from '../test/crash/random-life.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';

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
  seeds: { type: 'string', default: '2000' },
  from: { type: 'string', default: '1' },
  operations: { type: 'string', default: '200' },
  seed: { type: 'string' },
  'no-faults': { type: 'boolean', default: false },
  durable: { type: 'boolean', default: false },
  trace: { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
});
const PROGRESS_EVERY = 500;

const operations = wholeNumber('operations', values.operations, 1, USAGE);
const first = wholeNumber('seed', values.seed ?? values.from, 0, USAGE);
const count = values.seed === undefined ? wholeNumber('seeds', values.seeds, 1, USAGE) : 1;
const total = { operations: 0, crashes: 0, failedCalls: 0, readsAgain: 0 };
let seeds = 0;
let failures = 0;
const figures = (): string =>
  `${seeds} seeds, ${total.operations} operations, ${total.crashes} crashes, ` +
  `${total.failedCalls} failed calls, ${total.readsAgain} times read again, ${failures} failures`;

for (let seed = first; seed < first + count; seed++) {
  seeds++;
  try {
    const { durable: isDurable } = values;
    const options = { seed, operations, hasFaults: !values['no-faults'], isDurable };
    const print = (line: string): void => console.log(line);
    const result = runLife(values.trace ? { ...options, print } : options);
    total.operations += result.operations;
    total.crashes += result.crashes;
    total.failedCalls += result.failedCalls;
    total.readsAgain += result.readsAgain;
  } catch (error) {
    failures++;
    console.error(error);
    if (!values['keep-going']) break;
  }
  if (seeds % PROGRESS_EVERY === 0) console.log(figures());
}
console.log(figures());
process.exit(failures > 0 ? 1 : 0);
