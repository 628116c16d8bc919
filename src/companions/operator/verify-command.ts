/**
 * `ringmq verify`: reads a data directory without a broker, and reports what a start would find. It writes nothing.
 *
 * Thread: main.
 */

import { resolve } from 'node:path';
import { checkDirectory } from '../../offline/directory-check.ts';
import { SystemClock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { directoryText, endAs, maxMsgSizeOf, progressOn, SIZE_FLAGS } from './directory-report.ts';
import { Unreadable } from './failures.ts';
import { operatorCommand } from './operator-command.ts';

/** `ringmq verify`. */
export const runVerify = operatorCommand({
  name: 'verify',
  does: 'checks a data directory of RingMQ or nsqd without changing it',
  forms: ['DIR'],
  examples: [
    '/var/lib/ringmq',
    '/var/lib/nsqd --max-msg-size=8MiB',
    "/var/lib/ringmq --json | jq '.queues[] | select(.lost > 0)'",
  ],
  notes:
    'Nothing is written. ATTEMPTED counts messages that were delivered before. A note is not damage; it\n' +
    'says what a broker will do at startup, for example after a crash. While a broker uses the\n' +
    'directory, the figures are a snapshot, and files that change may look damaged.',
  flags: SIZE_FLAGS,
  isLocal: true,
  exitCodes: '0 intact, 1 damaged, 2 wrong usage, 3 something cannot be read',
  run: async (call) => {
    const { dir } = call.named(['dir']);
    const report = await checkDirectory({
      ...{ dataPath: resolve(dir), maxMsgSize: maxMsgSizeOf(call.flags) },
      clock: new SystemClock(),
      onProgress: progressOn(call.context, 'read'),
    }).catch((error: unknown) => {
      throw new Unreadable(`${dir} cannot be read - ${errorText(error)}`);
    });
    call.print(report, () => directoryText(report));
    endAs(report, dir);
  },
});
