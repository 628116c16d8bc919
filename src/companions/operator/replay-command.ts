/**
 * `ringmq replay`: a channel of a replicated topic that begins with messages which the topic has kept.
 *
 * Thread: main.
 */

import { BadUsage } from './failures.ts';
import type { FlagTable } from './flags.ts';
import { operatorCommand } from './operator-command.ts';

const FLAGS = {
  from: {
    value: 'FROM',
    help: 'first, the number of a message, or an RFC 3339 time (default first)',
  },
} as const satisfies FlagTable;

/** `ringmq replay`. */
export const runReplay = operatorCommand({
  name: 'replay',
  does: 'creates a channel of a replicated topic that starts with the messages that the topic has kept',
  forms: ['TOPIC:CHANNEL [--from=FROM]'],
  examples: [
    'orders:audit',
    'orders:audit --from=120000',
    'orders:audit --from=2026-01-31T08:00:00Z',
  ],
  notes: `The policy key "retention" says how long the topic keeps finished messages. Consumers subscribe to
the channel as to any other.`,
  flags: FLAGS,
  run: async (call) => {
    const { topic, channel } = call.queue();
    if (channel === '') throw new BadUsage('a channel is needed: TOPIC:CHANNEL');
    const { from = 'first' } = call.flags;
    const query = new URLSearchParams({ topic, channel, from });
    await call.broker.ask('POST', `/channel/create?${query}`);
    call.print(
      { topic, channel, from },
      () => `channel ${channel} of ${topic} begins at ${from}\n`,
    );
  },
});
