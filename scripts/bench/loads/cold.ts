/** `cold`: the first messages after a start. */

import { type Load, subcommand } from '../load.ts';
import { count } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { PLAIN } from '../wire/connect.ts';
import { BATCH_OPTIONS, needsFor, PUBLISHER_OPTIONS } from './traffic-options.ts';

const OPTIONS = {
  messages: count(200_000, 1, 'messages'),
  ...BATCH_OPTIONS,
  ...PUBLISHER_OPTIONS,
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'cold',
  unit: 'msg',
  summary: 'startup, and the first messages before any code is compiled',
  about: `Publishes to a server that has just been started, without a warm-up. The start is measured until
the server accepts connections; a server that runs already has none, and is not cold.`,
  examples: ['', '--messages 20k --batch 1 --connections 64', '--against-server nsqd --runs 5'],
  options: OPTIONS,
  warmUp: 'none',
  check: () => undefined,
  needs: ({ messages }) => needsFor(messages, null),
  sink: () => 'the null sink has nothing to compile',
  run: async (context, values) => {
    const { target, topic } = context;
    const { messages, batch, size, payload, connections, inFlight } = values;
    const measured = await context.measure('publishing', 'publish', {
      ...{ address: target.address, topics: [topic], layers: PLAIN },
      ...{ messages, seconds: null, rate: 0, deferMs: 0 },
      ...{ batch, size, payload, connections, inFlight },
    });
    const start = target.process === null ? {} : { startMs: target.process.startMs };
    return { ...figuresOf(measured), ...start, ...peakOf(target) };
  },
};

export const COLD = subcommand(LOAD);
