/**
 * A line of the log as JSON, one object a line.
 *
 * The texts are those of the other format. The topic, channel, client or queue that a text begins with, and the reason
 * at its end, are also separate fields.
 *
 * Shape: `{"time":"2026-11-28T08:30:00.123456Z","level":"info","message":"…"}`, then of `topic`, `channel`, `client`
 * and `error` if they are known. UTC, to the microsecond.
 * Thread: any.
 */

import { terminalJson } from './terminal-json.ts';

/** How a text names its subject; the first match counts. Only the broker writes the beginning of a text. */
const SUBJECTS: readonly RegExp[] = [
  /^TOPIC\((?<topic>[^)]*)\): (?:new channel\((?<channel>[^)]*)\)|deleting channel (?<gone>\S+))?/,
  /^DISKQUEUE\((?<topic>[^):]*)(?::(?<channel>[^)]*))?\)/,
  /^(?:TCP: (?:new|closed) )?client\((?<client>[^)]*)\)/,
];
/** What follows is a reason in lines that report an error. */
const REASON = ' - ';
const WITH_REASON: ReadonlySet<string> = new Set(['warn', 'error', 'fatal']);
const US_PER_MS = 1000;
const NS_PER_US = 1000n;

/** The line, with its end. */
export function jsonLine(level: string, unixNs: bigint, text: string): string {
  const line = { time: timestamp(unixNs), level, message: text, ...subjectOf(text) };
  const error = WITH_REASON.has(level) ? reasonOf(text) : undefined;
  return `${terminalJson(error === undefined ? line : { ...line, error })}\n`;
}

function subjectOf(text: string): Record<string, string> {
  for (const pattern of SUBJECTS) {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) continue;
    const { topic, channel, gone, client } = groups;
    const fields = { topic, channel: channel ?? gone, client };
    const known = Object.entries(fields).filter(([, value]) => value !== undefined);
    return Object.fromEntries(known) as Record<string, string>;
  }
  return {};
}

function reasonOf(text: string): string | undefined {
  const at = text.indexOf(REASON);
  return at === -1 ? undefined : text.slice(at + REASON.length);
}

function timestamp(unixNs: bigint): string {
  const micros = Number(unixNs / NS_PER_US);
  const toMs = new Date(Math.floor(micros / US_PER_MS)).toISOString().slice(0, -1);
  return `${toMs}${(micros % US_PER_MS).toString().padStart(3, '0')}Z`;
}
