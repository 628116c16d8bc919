// Runs the broker in one thread from seeds, and checks every turn. Ends with status 1 if a seed fails; what failed
// is printed with the command that runs it again.
import type { DiskFaults } from '../test/sim/scenario.ts';
import { simulate } from '../test/sim/simulation.ts';
import { readArguments, refuse, wholeNumber } from './kit/arguments.ts';

const USAGE = `usage: node scripts/simulate.ts [options]

  --seeds N          how many seeds (default 1000)
  --from S           the first seed (default 1)
  --seed S           this seed only
  --steps K          steps of each run (default 1500)
  --faults KIND      none, writes or reads: what the disk fails at (default none)
  --trace            print what happens
  --keep-going       go on behind a seed that fails`;

const values = readArguments(USAGE, {
  seeds: { type: 'string', default: '1000' },
  from: { type: 'string', default: '1' },
  steps: { type: 'string', default: '1500' },
  seed: { type: 'string' },
  faults: { type: 'string', default: 'none' },
  trace: { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
});
const KINDS: readonly DiskFaults[] = ['none', 'writes', 'reads'];
const diskFaults =
  KINDS.find((kind) => kind === values.faults) ??
  refuse(`--faults "${values.faults}" is none of ${KINDS.join(', ')}`, USAGE);
const steps = wholeNumber('steps', values.steps, 1, USAGE);
const first = wholeNumber('seed', values.seed ?? values.from, 0, USAGE);
const count = values.seed === undefined ? wholeNumber('seeds', values.seeds, 1, USAGE) : 1;
let failures = 0;
let messages = 0;
for (let seed = first; seed < first + count; seed++) {
  try {
    const print = values.trace ? (line: string): void => console.log(line) : undefined;
    const options = { seed, steps, diskFaults };
    const result = await simulate(print === undefined ? options : { ...options, print });
    messages += result.messages;
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
