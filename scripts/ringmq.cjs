#!/usr/bin/env node
/**
 * The `ringmq` command: the broker with nsqd's flags, a command of operators, or `ringmq bench` for the load
 * generators. It is here and not in src/ because the broker knows nothing of them; nsqd's flags never begin with a bare
 * word.
 *
 * This is plain JavaScript that every Node understands, like the broker's own first lines.
 */

const [first, ...rest] = process.argv.slice(2);

/** Commands of src/companions. */
const COMPANIONS = ['policy'];

if (first !== 'bench' && !COMPANIONS.includes(first)) {
  require('../src/main/start.cjs');
} else if (Promise.withResolvers === undefined) {
  process.stderr.write(`ringmq ${first} needs a newer Node than ${process.version}\n`);
  process.exitCode = 1;
} else if (first !== 'bench') {
  import('../src/companions/program.ts').then(({ runCompanion }) => runCompanion(first, rest));
} else {
  import('./bench/program.ts')
    .then(({ runBench }) => runBench(rest))
    .then((code) => {
      process.exitCode = code;
    });
}
