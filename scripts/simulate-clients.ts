// Runs clients against a model of a broker, over connections that break, from seeds. Ends with status 1 if a seed
// fails; what failed is printed with the command that runs it again.
import { simulateClients } from '../test/sim/client/client-simulation.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';

const USAGE = `usage: node scripts/simulate-clients.ts [options]

Runs producers, consumers and brokers in one thread, over connections that drop, delay and cut what they carry, with
a clock of its own. Checks after each step what clients may do, and in the end that nothing is lost.

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
  seeds: { type: 'string', default: '1000' },
  from: { type: 'string', default: '1' },
  steps: { type: 'string', default: '600' },
  seed: { type: 'string' },
  trace: { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
});
const steps = wholeNumber('steps', values.steps, 1, USAGE);
const first = wholeNumber('seed', values.seed ?? values.from, 0, USAGE);
const count = values.seed === undefined ? wholeNumber('seeds', values.seeds, 1, USAGE) : 1;
let failures = 0;
let messages = 0;
for (let seed = first; seed < first + count; seed++) {
  try {
    const print = values.trace ? (line: string): void => console.log(line) : undefined;
    const result = await simulateClients({ seed, steps, print });
    messages += result.takenCount;
    if (count === 1) console.log(result);
  } catch (error) {
    failures++;
    console.error(error);
    if (!values['keep-going']) break;
  }
  if (seed % 100 === 0) console.log(`seed ${seed}: ${messages} messages, ${failures} failures`);
}
console.log(`${count} seeds, ${messages} messages, ${failures} failures`);
process.exit(failures > 0 ? 1 : 0);
