/** `cold` and `idle-memory`: a server that has just started. */

import { setTimeout as delay } from 'node:timers/promises';
import { type Load, subcommand } from '../load.ts';
import { amount, count } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { PLAIN } from '../wire/link.ts';
import { BATCH_OPTIONS, needsFor, PUBLISHER_OPTIONS } from './traffic-options.ts';

const COLD_OPTIONS = {
  messages: count(200_000, 1, 'messages'),
  ...BATCH_OPTIONS,
  ...PUBLISHER_OPTIONS,
} as const;

const COLD_LOAD: Load<typeof COLD_OPTIONS> = {
  name: 'cold',
  unit: 'msg',
  summary: 'startup, and the first messages before any code is compiled',
  about: `Publishes to a server that has just been started, without a warm-up. The start is measured until
the server accepts connections; a server that runs already has none, and is not cold.`,
  examples: ['', '--messages 20k --batch 1 --connections 64', '--against-server nsqd --runs 5'],
  options: COLD_OPTIONS,
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

export const COLD = subcommand(COLD_LOAD);

const MS_PER_SECOND = 1000;
/** From µs per ms to percent. */
const PERCENT = 0.1;

const IDLE_OPTIONS = {
  settle: amount(5, 0, 'seconds for the server to become idle'),
  seconds: amount(5, 0.1, 'seconds of observation after that'),
} as const;

const IDLE_LOAD: Load<typeof IDLE_OPTIONS> = {
  name: 'idle-memory',
  unit: 'msg',
  summary: 'memory and CPU time of a server without topics and clients',
  about: `Starts a server, lets it become idle, and reads its memory and CPU time. On a running server the
figures include all that it has.`,
  examples: ['', '--settle 30 --seconds 30'],
  options: IDLE_OPTIONS,
  warmUp: 'none',
  check: () => undefined,
  needs: () => needsFor(1, null),
  sink: () => 'the null sink keeps nothing',
  run: async ({ target, tell }, { settle, seconds }) => {
    tell('letting it become idle', 0);
    await delay(settle * MS_PER_SECOND);
    const before = target.cpuUs();
    tell('watching it idle', 0);
    await delay(seconds * MS_PER_SECOND);
    const after = target.cpuUs();
    const residentMib = target.residentMib();
    const isKnown = before !== undefined && after !== undefined;
    return {
      ...(residentMib === undefined ? {} : { residentMib }),
      ...(isKnown ? { idleCpu: ((after - before) / (seconds * MS_PER_SECOND)) * PERCENT } : {}),
      ...(target.process === null ? {} : { startMs: target.process.startMs }),
    };
  },
};

export const IDLE_MEMORY = subcommand(IDLE_LOAD);
