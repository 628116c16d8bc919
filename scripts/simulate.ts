// Runs the broker in one thread from seeds, and checks every turn:
//
//     node scripts/simulate.ts [--seeds N] [--from S] [--steps K] [--faults none|writes|reads]
//     node scripts/simulate.ts --seed S [--steps K] [--faults none|writes|reads] [--trace]
//
// Ends with status 1 if a seed fails; what failed is printed with the command that runs it again.
import { parseArgs } from 'node:util';
import type { DiskFaults } from '../test/sim/scenario.ts';
import { simulate } from '../test/sim/simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: '1500' },
    seed: { type: 'string' },
    faults: { type: 'string', default: 'none' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
  },
});
const KINDS: readonly DiskFaults[] = ['none', 'writes', 'reads'];
const diskFaults = KINDS.find((kind) => kind === values.faults);
if (diskFaults === undefined) {
  console.error(`--faults "${values.faults}" is none of ${KINDS.join(', ')}`);
  process.exit(2);
}
const steps = Number(values.steps);
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
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
