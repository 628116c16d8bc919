/** `brokers`: how much more brokers on one machine achieve, with an nsqlookupd. */

import type { BenchPlan, Command, EntryPlan } from '../command.ts';
import { ArgumentError, describeOptions, readOptions, wordsOf } from '../options.ts';
import { STARTED_OPTIONS } from '../run-options.ts';
import { startedSpec } from '../servers.ts';
import { BROKERS_OPTIONS, BROKERS_TABLE, runBrokers } from './run-brokers.ts';

/** Each has a node id of its own. */
const BROKERS_MAX = 1024;

export const BROKERS: Command = {
  name: 'brokers',
  summary: 'publish to several brokers and consume from all that nsqlookupd names',
  usage: (program) => `usage: ${program} brokers [options]

Starts brokers on this machine, each with its own ports, data directory and node id, and registers
them with an nsqlookupd. One load generator for each broker publishes, all at the same time; then
consumers read from each broker that nsqlookupd names. Shows figures for each broker and for all
together: messages from the first start to the last end, CPU time and memory. Percentiles are the
time from sending a publishing command to its answer.

Each broker starts one pump thread less than there are CPUs, unless --server-flags says otherwise.

Of this sub-command:
${describeOptions(BROKERS_OPTIONS)}

Of every load that starts its servers:
${describeOptions(STARTED_OPTIONS)}

Examples:
  ${program} brokers
  ${program} brokers --brokers 1,2,4 --server-flags='--pump-threads=1 --max-memory=10%'
  ${program} brokers --brokers 3 --lookupd 127.0.0.1:4160 --batch 1 --messages 100k`,
  read: readBrokers,
};

function readBrokers(words: readonly string[]): BenchPlan {
  const values = readOptions(BROKERS_TABLE, words);
  const most = Math.max(...values.brokers);
  if (most > BROKERS_MAX) {
    throw new ArgumentError(`--brokers ${most} is more than the ${BROKERS_MAX} node ids there are`);
  }
  if (values.lookupdHttpAddress !== null && values.lookupd === null) {
    throw new ArgumentError('--lookupd-http-address needs --lookupd');
  }
  const { brokers: _, ...others } = BROKERS_OPTIONS;
  const own = wordsOf([...Object.keys(others), 'memQueueSize'], BROKERS_TABLE, words);
  const plans = values.brokers.map((brokers): EntryPlan => {
    const column = brokers === 1 ? '1 broker' : `${brokers} brokers`;
    const entry = { name: column, words: ['brokers', '--brokers', `${brokers}`, ...own], brokers };
    return {
      series: { title: 'all brokers together', column },
      run: (site, progress) => runBrokers(entry, values, site, progress),
    };
  });
  const specs = [startedSpec('all brokers', values)];
  return { common: values, specs, plans, reportPrefix: null };
}
