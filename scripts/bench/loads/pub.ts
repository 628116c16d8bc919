/** `pub`: how fast are messages taken? */

import { type Load, subcommand } from '../load.ts';
import { ArgumentError, choice, count, type OptionValues } from '../options.ts';
import { ACKNOWLEDGEMENTS, setPolicy } from '../policies.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { type Publication, publishing } from '../wire/commands.ts';
import {
  BATCH_OPTIONS,
  END_OPTIONS,
  endOf,
  LAYER_OPTIONS,
  layersOf,
  needsFor,
  PUBLISHER_OPTIONS,
  RATE_OPTIONS,
} from './traffic-options.ts';

const OPTIONS = {
  ...END_OPTIONS,
  ...BATCH_OPTIONS,
  ...PUBLISHER_OPTIONS,
  ...RATE_OPTIONS,
  topics: count(1, 1, 'topics; each connection publishes to one of them'),
  acknowledge: choice(
    ACKNOWLEDGEMENTS,
    'what OK means: sets the policy of that name on the first server, a RingMQ',
  ),
  deferred: count(0, 0, 'publish with DPUB and this delay in ms; needs --batch 1'),
  ...LAYER_OPTIONS,
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'pub',
  unit: 'msg',
  summary: 'publish, in batches or one by one',
  about: `Publishes to a topic without channels. Percentiles are the time from sending a command to its
answer; with --rate, from the time at which it was due.`,
  examples: [
    '',
    '--batch 1 --connections 64 --in-flight 8 --messages 200k --null-sink',
    '--rate 50000 --batch 10 --seconds 10',
    '--batch 1 --connections 64 --in-flight 1 --topics 64 --acknowledge fsync',
    '--tls --compression snappy --messages 500k',
    '--address 10.0.0.5:4150 --against 10.0.0.6:4150 --runs 5',
  ],
  options: OPTIONS,
  warmUp: (values, messages, seconds) => ({ ...values, messages, seconds }),
  check: ({ batch, deferred }) => {
    if (deferred > 0 && batch > 1) {
      throw new ArgumentError('--deferred needs --batch 1: there is no MPUB that is deferred');
    }
  },
  needs: (values) => needsFor(endOf(values).messages, values),
  sink: (values, topic) => {
    if (values.tls || values.compression !== 'none') {
      return 'the null sink speaks neither TLS nor compression';
    }
    return {
      protocol: 'tcp',
      commandBytes: publishing({ ...publicationOf(values), topic }).length,
    };
  },
  run: async (context, values) => {
    const { target, topic } = context;
    const { acknowledge, topics } = values;
    if (acknowledge !== ACKNOWLEDGEMENTS[0] && target.role === 'server') {
      await setPolicy(target.httpAddress, 'bench', '*', { acknowledge });
    }
    const measured = await context.measure('publishing', 'publish', {
      ...publicationOf(values),
      topics: Array.from({ length: topics }, (_, index) =>
        topics === 1 ? topic : `${topic}_${index}`,
      ),
      ...endOf(values),
      address: context.target.address,
      layers: layersOf(values),
      connections: values.connections,
      inFlight: values.inFlight,
      rate: values.rate,
    });
    return { ...figuresOf(measured), ...peakOf(context.target) };
  },
};

/** The content of each command, without its topic. */
function publicationOf(values: OptionValues<typeof OPTIONS>): Omit<Publication, 'topic'> {
  const { batch, size, payload, deferred } = values;
  return { batch, size, payload, deferMs: deferred };
}

export const PUB = subcommand(LOAD);
