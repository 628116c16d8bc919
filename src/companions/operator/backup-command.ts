/**
 * `ringmq backup`: copies a data directory, even while a broker uses it, and reads the copy back.
 *
 * Thread: main.
 */

import { resolve } from 'node:path';
import { backupDirectory } from '../../offline/backup/directory-backup.ts';
import { SystemClock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { directoryText, endAs, maxMsgSizeOf, progressOn, SIZE_FLAGS } from './directory-report.ts';
import { Unreadable } from './failures.ts';
import { operatorCommand } from './operator-command.ts';

/** `ringmq backup`. */
export const runBackup = operatorCommand({
  name: 'backup',
  does: 'copies a data directory, even while a broker uses it, and verifies the copy',
  forms: ['DIR TARGET'],
  examples: [
    '/var/lib/ringmq /backup/ringmq-$(date +%F)',
    '/var/lib/ringmq /backup/now --json | jq .verdict',
  ],
  notes:
    'TARGET must not exist; it becomes a data directory that a broker can start with. While a broker\n' +
    'uses DIR, the backup contains the messages that are in files, but not those that are only in the\n' +
    'memory of the broker. Run it as the user of the broker.',
  flags: SIZE_FLAGS,
  isLocal: true,
  exitCodes: '0 done, 1 DIR or the copy is damaged, 2 wrong usage, 3 no backup can be made',
  run: async (call) => {
    const { dir, target } = call.named(['dir', 'target']);
    const report = await backupDirectory({
      ...{ dataPath: resolve(dir), target: resolve(target), clock: new SystemClock() },
      maxMsgSize: maxMsgSizeOf(call.flags),
      onCopied: progressOn(call.context, 'copied'),
      onRead: progressOn(call.context, 'read back'),
    }).catch((error: unknown) => {
      throw new Unreadable(`no backup of ${dir} is made - ${errorText(error)}`);
    });
    call.print(report, () => directoryText(report));
    endAs(report, target);
  },
});
