/**
 * `ringmq create`, `delete`, `empty`, `pause` and `unpause`: an operator's work on a topic, or on a channel of it.
 *
 * Thread: main.
 */

import type { Companion } from '../companion.ts';
import { Refused } from './failures.ts';
import { operatorCommand } from './operator-command.ts';

type Verb = 'create' | 'delete' | 'empty' | 'pause' | 'unpause';

const DOES: Readonly<Record<Verb, string>> = {
  create: 'creates a topic, or a channel of a topic that exists',
  delete: 'deletes a topic with its channels, or one channel, with all messages',
  empty: 'drops the messages that wait in a topic, or in one channel',
  pause:
    'stops delivery of messages from a topic to its channels, or from a channel to its consumers',
  unpause: 'resumes delivery from a paused topic or channel',
};

/** The line that is printed when it is done. */
const DONE: Readonly<Record<Verb, string>> = {
  create: 'created',
  delete: 'deleted',
  empty: 'emptied',
  pause: 'paused',
  unpause: 'unpaused',
};

/** `ringmq create`. */
export const runCreate = topicCommand('create');
/** `ringmq delete`. */
export const runDelete = topicCommand('delete', 'deletes');
/** `ringmq empty`. */
export const runEmpty = topicCommand('empty', 'drops all waiting messages of');
/** `ringmq pause`. */
export const runPause = topicCommand('pause');
/** `ringmq unpause`. */
export const runUnpause = topicCommand('unpause');

/** `destroys`: what the operator confirms. */
function topicCommand(verb: Verb, destroys?: string): Companion {
  return operatorCommand({
    name: verb,
    does: DOES[verb],
    forms: ['TOPIC', 'TOPIC:CHANNEL'],
    examples: ['orders', 'orders:billing'],
    flags: {},
    ...(destroys !== undefined && { destroys: true }),
    run: async (call) => {
      const { topic, channel } = call.queue();
      const isTopic = channel === '';
      if (destroys !== undefined) {
        const what = isTopic ? `the topic ${topic}` : `the channel ${channel} of ${topic}`;
        await call.confirm(isTopic ? topic : channel, `${destroys} ${what}`);
      }
      const query = new URLSearchParams(isTopic ? { topic } : { topic, channel });
      try {
        await call.broker.ask('POST', `/${isTopic ? 'topic' : 'channel'}/${verb}?${query}`);
      } catch (error) {
        if (verb !== 'create' || !isMissingTopic(error)) throw error;
        throw new Refused(`topic not found; "ringmq create ${topic}" creates it`, { cause: error });
      }
      const name = isTopic ? `topic ${topic}` : `channel ${channel} of ${topic}`;
      const value = { topic, channel: isTopic ? null : channel, [DONE[verb]]: true };
      call.print(value, () => `${name} is ${DONE[verb]}\n`);
    },
  });
}

function isMissingTopic(error: unknown): boolean {
  return error instanceof Refused && error.message === 'topic not found';
}
