// Runs the broker in one thread from seeds, and checks every turn. Exits with 1 if a seed fails, and prints the failure
// with the command that repeats it.
import { replicatedLife } from '../test/sim/replicated-life.ts';
import type { DiskFaults } from '../test/sim/scenario.ts';
import { simulate } from '../test/sim/simulation.ts';
import { readArguments, refuse, wholeNumber } from './kit/arguments.ts';
import { runSeeds, SEED_ARGUMENTS } from './kit/seeds.ts';

const USAGE = `usage: node scripts/simulate.ts [options]

Steps the broker's threads in one thread, in random order, with its own clock and a disk in memory.
Checks after each turn that every message is in exactly one place.

  --seeds N          number of seeds (default 1000)
  --from S           first seed (default 1)
  --seed S           run only this seed
  --steps K          steps of each run (default 1500)
  --faults KIND      calls of the disk that fail: none, writes or reads (default none)
  --replicated       run two brokers with replicated topics on a store that is slow, unavailable or
                     forgetful; every acknowledged message must be finished in the end
  --trace            print each step
  --keep-going       continue after a seed that fails

Examples:
  node scripts/simulate.ts --seeds 10000
  node scripts/simulate.ts --seed 4711 --faults writes --trace
  node scripts/simulate.ts --replicated --seeds 200 --steps 300

Exit code: 0 every seed passed, 1 a seed failed, 2 bad arguments.`;

const values = readArguments(USAGE, {
  ...SEED_ARGUMENTS,
  seeds: { type: 'string', default: '1000' },
  steps: { type: 'string', default: '1500' },
  faults: { type: 'string', default: 'none' },
  replicated: { type: 'boolean', default: false },
});
const KINDS: readonly DiskFaults[] = ['none', 'writes', 'reads'];
const diskFaults =
  KINDS.find((kind) => kind === values.faults) ??
  refuse(`--faults "${values.faults}" is not one of ${KINDS.join(', ')}`, USAGE);
const steps = wholeNumber('steps', values.steps, 1, USAGE);
if (values.replicated) {
  if (diskFaults !== 'none') refuse('--replicated has no --faults: it has no disk', USAGE);
  await runSeeds(values, {
    usage: USAGE,
    progressEvery: 50,
    run: (seed, print) => replicatedLife(seed, steps, print),
    countsOf: (counts) => counts,
  });
}
await runSeeds(values, {
  usage: USAGE,
  progressEvery: 100,
  run: (seed, print) => {
    const options = { seed, steps, diskFaults };
    return simulate(print === undefined ? options : { ...options, print });
  },
  countsOf: ({ messages }) => ({ messages }),
});
