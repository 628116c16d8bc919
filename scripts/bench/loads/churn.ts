/** `churn`: connections, channels or topics that come and go. */

import { type Load, subcommand } from '../load.ts';
import { choice, count, optionalAmount, optionalCount } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { CHURN_KINDS } from '../workloads/churn.ts';
import { needsFor } from './traffic-options.ts';

const CYCLES_DEFAULT = 20_000;

const OPTIONS = {
  kind: choice(CHURN_KINDS, 'what is new in each cycle'),
  messages: optionalCount(
    1,
    `end after this many cycles (default ${CYCLES_DEFAULT} without --seconds)`,
  ),
  seconds: optionalAmount(0.001, 'end after this many seconds'),
  connections: count(16, 1, 'cycles that run at the same time'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'churn',
  unit: 'cycle',
  summary: 'create and close connections, channels or topics',
  about: `A cycle connects, sends one command, waits for its answer and closes. The command is IDENTIFY for
connections, and SUB to a new ephemeral channel or topic for the other kinds; the server deletes
that when the consumer leaves. "Memory grown" compares the server at the end with the beginning.`,
  examples: ['', '--kind channels', '--kind topics --seconds 30'],
  options: OPTIONS,
  check: () => undefined,
  needs: () => needsFor(CYCLES_DEFAULT, null),
  sink: () => 'the null sink answers no IDENTIFY',
  run: async (context, values) => {
    const { messages, seconds } = values;
    const measured = await context.measure('coming and going', 'churn', {
      address: context.target.address,
      topic: context.topic,
      kind: values.kind,
      connections: values.connections,
      cycles: messages ?? (seconds === null ? CYCLES_DEFAULT : null),
      seconds,
    });
    const [beforeMib, afterMib] = measured.residentMib;
    const isKnown = beforeMib !== undefined && afterMib !== undefined;
    return {
      ...figuresOf(measured),
      ...(isKnown ? { grownMib: afterMib - beforeMib } : {}),
      ...peakOf(context.target),
    };
  },
};

export const CHURN = subcommand(LOAD);
