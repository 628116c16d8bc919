/** A report: what was measured, on what, with what, in a shape that a later run can compare itself with. */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { RINGMQ_VERSION } from '../../../src/daemon/version.ts';
import type { Role } from '../target.ts';
import { type Figures, isMetricName, type Ratio, type Result } from './metrics.ts';

/** Goes up when an older report can no longer be compared with. */
const FORMAT = 1;
const BYTES_PER_MIB = 1 << 20;

/** One load with everything that was measured of it. */
export type Entry = {
  readonly name: string;
  /** The sub-command and its arguments, which alone measure it again. */
  readonly words: readonly string[];
  readonly unit: string;
  readonly results: readonly Result[];
  readonly ratios: readonly Ratio[];
  /** What should be known beside the figures. */
  readonly notes: readonly string[];
};

/**
 * A server as it was started or found. `version` is what it says of itself, `name` its program with the program's own
 * version; null for a server that was not reached.
 */
export type ServerFact = {
  readonly role: Role;
  readonly what: string;
  readonly version: string | null;
  readonly name?: string | null;
};

/** A load that failed. */
export type Failure = { readonly name: string; readonly reason: string };

/** Units: `memoryMib` MiB. */
type Machine = {
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryMib: number;
};

export type Report = {
  readonly format: number;
  readonly date: string;
  /** The exact command. */
  readonly command: string;
  /** The load generator's versions. */
  readonly ringmq: string;
  readonly node: string;
  readonly machine: Machine;
  readonly servers: readonly ServerFact[];
  readonly entries: readonly Entry[];
  /** Missing in older reports. */
  readonly failures?: readonly Failure[];
};

/** `command`: the words of the command line. */
export function makeReport(
  command: readonly string[],
  servers: readonly ServerFact[],
  entries: readonly Entry[],
  failures: readonly Failure[] = [],
): Report {
  return {
    format: FORMAT,
    date: new Date().toISOString(),
    command: command.map(quoted).join(' '),
    ringmq: RINGMQ_VERSION,
    node: process.version,
    machine: {
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      processor: os.cpus()[0]?.model ?? 'unknown',
      cores: os.availableParallelism(),
      memoryMib: Math.round(os.totalmem() / BYTES_PER_MIB),
    },
    servers,
    entries,
    failures,
  };
}

/** Reads an earlier report. Errors: throws when the file cannot be read, or is not a report. */
export function readReport(path: string): Report {
  try {
    return parseReport(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`read the report "${path}": ${why}`, { cause });
  }
}

/** Errors: throws when the text is no report of this format. */
export function parseReport(text: string): Report {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || value['format'] !== FORMAT || !Array.isArray(value['entries'])) {
    throw new Error(`it is no report of format ${FORMAT}`);
  }
  for (const entry of value['entries'] as unknown[]) {
    if (!isRecord(entry) || typeof entry['name'] !== 'string' || !hasFigures(entry['results'])) {
      throw new Error('one of its entries has no name or no figures');
    }
  }
  // what is compared has been looked at; the rest is only shown
  return value as Report;
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function hasFigures(results: unknown): boolean {
  if (!Array.isArray(results)) return false;
  return results.every(
    (result) => isRecord(result) && typeof result['role'] === 'string' && isFigures(result['best']),
  );
}

function isFigures(value: unknown): value is Figures {
  if (!isRecord(value)) return false;
  return Object.entries(value).every(
    ([name, figure]) => !isMetricName(name) || typeof figure === 'number',
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
