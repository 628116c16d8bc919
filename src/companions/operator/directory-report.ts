/**
 * What the commands that read a data directory share: their flag, their progress, and the report as text and as an exit
 * code.
 *
 * Thread: main.
 */

import { parseSize, roughSize } from '../../daemon/options/byte-size.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { DirectoryReport } from '../../offline/directory-check.ts';
import type { Finding } from '../../offline/queue-check.ts';
import type { CommandContext } from '../companion.ts';
import { BadUsage, Damaged, Unreadable } from './failures.ts';
import type { FlagTable, FlagValues } from './flags.ts';
import { table } from './table.ts';

/** The flag of these commands. */
export const SIZE_FLAGS = {
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

/** Units: bytes. Errors: throws `BadUsage`. */
export function maxMsgSizeOf(flags: FlagValues<typeof SIZE_FLAGS>): number {
  const size = parseSize(flags['max-msg-size'] ?? MAX_MSG_SIZE);
  if (size instanceof InvalidValue) throw new BadUsage(`--max-msg-size ${size.why}`);
  return size;
}

/** Shows progress at a terminal now and then: the queue and the bytes read. */
export function progressOn(
  { hasErrorScreen, stderr }: CommandContext,
  done: string,
): (queue: string, bytes: number) => void {
  let shown = 0;
  return (queue, bytes) => {
    if (!hasErrorScreen || bytes - shown < PROGRESS_BYTES) return;
    shown = bytes;
    stderr(`${roughSize(bytes)} ${done}, now ${queue}\n`);
  };
}

/** Ends the command if the directory is not whole. Errors: throws `Damaged` or `Unreadable`. */
export function endAs({ verdict }: DirectoryReport, name: string): void {
  if (verdict === 'damaged') throw new Damaged(`${name} is damaged`);
  if (verdict === 'unreadable') throw new Unreadable(`${name} cannot be read to its end`);
}

/** The report for people: who uses the directory, its queues, findings, and the verdict. */
export function directoryText(report: DirectoryReport): string {
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
  const used =
    usedBy === null
      ? ''
      : 'A broker uses the directory: these are the messages in files at this moment, ' +
        `not those in its memory (${usedBy})\n\n`;
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
