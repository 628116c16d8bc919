/**
 * `ringmq verify`: reads a data directory without a broker, and reports what a start would find. It writes nothing.
 *
 * Thread: main.
 */

import { resolve } from 'node:path';
import { parseSize, roughSize } from '../../daemon/options/byte-size.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { checkDirectory, type DirectoryReport } from '../../offline/directory-check.ts';
import type { Finding } from '../../offline/queue-check.ts';
import { SystemClock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { BadUsage, Damaged, Unreadable } from './failures.ts';
import type { FlagTable } from './flags.ts';
import { operatorCommand } from './operator-command.ts';
import { table } from './table.ts';

const FLAGS = {
  'max-msg-size': {
    value: 'SIZE',
    help: "the broker's --max-msg-size, if it is not 1MiB: larger messages count as damage",
  },
} as const satisfies FlagTable;

const MAX_MSG_SIZE = '1MiB';
const HEADINGS = [
  'TOPIC',
  'CHANNEL',
  'MESSAGES',
  'BYTES',
  'DEFERRED',
  'ATTEMPTED',
  'LOST',
  'STATE',
];
/** Bytes between two lines of progress. */
const PROGRESS_BYTES = 64 * 1024 * 1024;

/** `ringmq verify`. */
export const runVerify = operatorCommand({
  name: 'verify',
  does: 'reads a data directory of RingMQ or nsqd, and reports what a start would find',
  forms: ['DIR'],
  examples: [
    '/var/lib/ringmq',
    '/var/lib/nsqd --max-msg-size=8MiB',
    "/var/lib/ringmq --json | jq '.queues[] | select(.lost > 0)'",
  ],
  notes:
    'Nothing is written. ATTEMPTED counts messages that were delivered before. A note is no damage:\n' +
    'it says what a start does after a crash. While a broker uses the directory, the figures are of\n' +
    'the moment, and files that change may look damaged.',
  flags: FLAGS,
  isLocal: true,
  exitCodes: '0 whole, 1 damaged, 2 wrong usage, 3 something cannot be read',
  run: async (call) => {
    const { dir } = call.named(['dir']);
    const maxMsgSize = parseSize(call.flags['max-msg-size'] ?? MAX_MSG_SIZE);
    if (maxMsgSize instanceof InvalidValue) throw new BadUsage(`--max-msg-size ${maxMsgSize.why}`);
    let shown = 0;
    const report = await checkDirectory({
      ...{ dataPath: resolve(dir), maxMsgSize, clock: new SystemClock() },
      onProgress: (queue, bytes) => {
        if (!call.surroundings.hasErrorScreen || bytes - shown < PROGRESS_BYTES) return;
        shown = bytes;
        call.surroundings.stderr(`${roughSize(bytes)} read, now ${queue}\n`);
      },
    }).catch((error: unknown) => {
      throw new Unreadable(`${dir} cannot be read - ${errorText(error)}`);
    });
    call.print(report, () => textOf(report));
    if (report.verdict === 'damaged') throw new Damaged(`${dir} is damaged`);
    if (report.verdict === 'unreadable') throw new Unreadable(`${dir} cannot be read to its end`);
  },
});

function textOf(report: DirectoryReport): string {
  const { usedBy, queues, findings } = report;
  const rows = queues.map((queue) => [
    ...[queue.topic, queue.channel ?? '-', String(queue.messages), roughSize(queue.bytes)],
    ...[String(queue.deferred), String(queue.attempted), String(queue.lost), queue.state],
  ]);
  const lines = [
    ...findings.map((finding) => lineOf('', finding)),
    ...queues.flatMap(({ topic, channel, findings: own }) => {
      const name = channel === null ? topic : `${topic}:${channel}`;
      return own.map((finding) => lineOf(`${name}: `, finding));
    }),
  ];
  const used = usedBy === null ? '' : `The figures are of the moment: ${usedBy}\n\n`;
  const list = lines.length === 0 ? '' : `\n${lines.join('')}`;
  return `${used}${table(HEADINGS, rows)}${list}\n${verdictOf(report)}\n`;
}

function lineOf(name: string, { kind, file, position, text }: Finding): string {
  const place = file === null ? '' : `${file}${position === null ? '' : ` at ${position}`}: `;
  return `${kind}: ${name}${place}${text}\n`;
}

function verdictOf({ verdict, queues }: DirectoryReport): string {
  const sum = (of: (queue: (typeof queues)[number]) => number): number =>
    queues.reduce((total, queue) => total + of(queue), 0);
  const count = `${sum((queue) => queue.messages)} messages, ${roughSize(sum((queue) => queue.bytes))}`;
  if (verdict === 'whole') return `whole: ${count}`;
  if (verdict === 'unreadable') return `unreadable in part: ${count} found`;
  const lost = sum((queue) => queue.lost);
  return (
    `damaged: ${count} found, ${lost === 0 ? 'none known to be lost' : `${lost} lost`}; ` +
    'a start keeps damaged segments as .bad'
  );
}
