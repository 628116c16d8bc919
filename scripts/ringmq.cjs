#!/usr/bin/env node
/**
 * The `ringmq` command: the broker with nsqd's flags, or `ringmq bench` for the load generators. It is here and not
 * in src/ because the broker knows nothing of them; nsqd's flags never begin with a bare word.
 *
 * This is plain JavaScript that every Node understands, like the broker's own first lines.
 */

const [first, ...rest] = process.argv.slice(2);

if (first !== 'bench') {
  require('../src/main/start.cjs');
} else if (Promise.withResolvers === undefined) {
  process.stderr.write(`ringmq bench needs a newer Node than ${process.version}\n`);
  process.exitCode = 1;
} else {
  import('./bench/program.ts')
    .then(({ runBench }) => runBench(rest))
    .then((code) => {
      process.exitCode = code;
    });
}
