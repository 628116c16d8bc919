/**
 * The names of archive files.
 *
 * Thread: any (pure).
 * Source: nsq_to_file `computeFilenameFormat`.
 */

import { strftime } from './strftime.ts';

/** The part that distinguishes files of the same name. */
const REV = '<REV>';
const REV_DIGITS = 6;

/** The parts of a name. */
export type NameParts = {
  /** The format as the operator gave it. */
  readonly format: string;
  readonly datetimeFormat: string;
  readonly topic: string;
  readonly hostname: string;
  /** Replaces the short host name; empty: the host name stays. */
  readonly hostIdentifier: string;
  readonly pid: number;
  /** Whether files may need different revisions. */
  readonly needsRev: boolean;
  /** The ending of the name, such as `.gz`. */
  readonly suffix: string;
};

/** The names of a topic's files. */
export class FileNames {
  readonly #format: string;
  readonly #datetimeFormat: string;
  #second = Number.NaN;
  #current = '';

  /** Errors: throws an Error if the format lacks a required part. */
  constructor(parts: NameParts) {
    const { format, topic, hostname, hostIdentifier, pid, suffix } = parts;
    if (parts.needsRev && !format.includes(REV)) {
      throw new Error(
        'missing <REV> in --filename-format when gzip, zstd, rotation, work dir, raw or length enabled',
      );
    }
    const short = hostname.split('.')[0];
    const host =
      hostIdentifier === ''
        ? short
        : hostIdentifier.replaceAll('<SHORT_HOST>', short).replaceAll('<HOSTNAME>', hostname);
    const name = (parts.needsRev ? format : format.replaceAll(REV, ''))
      .replaceAll('<TOPIC>', topic)
      .replaceAll('<HOST>', host)
      .replaceAll('<PID>', String(pid));
    this.#format = name.endsWith(suffix) ? name : name + suffix;
    this.#datetimeFormat = parts.datetimeFormat;
  }

  /** The name at a time, with its revision still open. A name lasts at least a second. */
  at(unixMs: number): string {
    const second = Math.floor(unixMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      const datetime = strftime(this.#datetimeFormat, new Date(unixMs));
      this.#current = this.#format.replaceAll('<DATETIME>', datetime);
    }
    return this.#current;
  }
}

/** The name with its revision. */
export function withRev(name: string, rev: number): string {
  return name.replaceAll(REV, `-${rev.toString().padStart(REV_DIGITS, '0')}`);
}
