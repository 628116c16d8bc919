/** `idle-memory`: a server that has nothing at all to do. */

import { setTimeout as delay } from 'node:timers/promises';
import { type Load, subcommand } from '../load.ts';
import { amount } from '../options.ts';
import { needsFor } from './traffic-options.ts';

const MS_PER_SECOND = 1000;
/** From µs per ms to percent. */
const PERCENT = 0.1;

const OPTIONS = {
  settle: amount(5, 0, 'seconds for the server to become idle'),
  seconds: amount(5, 0.1, 'seconds of observation after that'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'idle-memory',
  unit: 'msg',
  summary: 'memory and CPU time of a server without topics and clients',
  about: `Starts a server, lets it become idle, and reads its memory and CPU time. On a running server the
figures include all that it has.`,
  examples: ['', '--settle 30 --seconds 30'],
  options: OPTIONS,
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

export const IDLE_MEMORY = subcommand(LOAD);
