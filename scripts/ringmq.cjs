#!/usr/bin/env node
/**
 * The `ringmq` command: the broker with nsqd's flags, another command, or `ringmq bench` for the load generators. It is
 * here and not in src/ because the broker does not depend on the load generators; nsqd's flags never begin with a bare
 * word.
 *
 * This is plain JavaScript that every Node understands, like the broker's own first lines.
 */

const { basename } = require('node:path');
const { pathToFileURL } = require('node:url');

/** The programs of nsq: a link with such a name runs the command that replaces the program. */
const ORIGINALS = [
  'nsqadmin',
  'nsqd',
  'nsqlookupd',
  'nsq_stat',
  'nsq_tail',
  'nsq_to_file',
  'nsq_to_http',
  'nsq_to_nsq',
  'to_nsq',
];
/** The broker's own words; the broker also reports unknown ones. */
const BROKER_WORDS = ['', 'start', 'nsqd', 'help', 'version'];

const startedAs = basename(process.argv[1]);
const given = process.argv.slice(2);
const isLink = ORIGINALS.includes(startedAs) && startedAs !== 'nsqd';
const [first = '', ...rest] = isLink ? [startedAs, ...given] : given;

function runBroker() {
  require('../src/main/start.cjs');
}

if (first.startsWith('-') || BROKER_WORDS.includes(first)) {
  runBroker();
} else if (Promise.withResolvers === undefined) {
  process.stderr.write(`ringmq ${first} needs a newer Node than ${process.version}\n`);
  process.exitCode = 1;
} else if (first === 'bench') {
  import('./bench/program.ts')
    .then(({ runBench }) => runBench(rest))
    .then((code) => {
      process.exitCode = code;
    });
} else {
  const { programFile } = require('../src/main/bundles.cjs');
  const { href } = pathToFileURL(programFile('companions/program', '../companions/program.ts'));
  import(href)
    .then(({ runCompanion }) => runCompanion(first, rest))
    .then((isKnown) => {
      if (!isKnown) runBroker();
    });
}
