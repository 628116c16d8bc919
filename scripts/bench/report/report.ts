/** The report of a run: the figures of all loads, and a summary in one table. */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { RINGMQ_VERSION } from '../../../src/daemon/version.ts';
import type { Role } from '../target.ts';
import {
  type Figures,
  isMetricName,
  METRIC_NAMES,
  type MetricName,
  type Ratio,
  type Result,
  ratioText,
  spell,
} from './metrics.ts';

/** Incremented when older reports can no longer be compared. */
const FORMAT = 1;
const BYTES_PER_MIB = 1 << 20;

/** One load with everything that was measured of it. */
export type Entry = {
  readonly name: string;
  /** The sub-command and its arguments, which are enough to repeat the measurement. */
  readonly words: readonly string[];
  readonly unit: string;
  readonly results: readonly Result[];
  readonly ratios: readonly Ratio[];
  /** Remarks about the figures. */
  readonly notes: readonly string[];
};

/**
 * A server that was started or found. `version` is the one that it reports, `name` its program with the program's own
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
  /** The versions on the load generator's side. */
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

/** Reads an earlier report. Errors: throws if the file cannot be read, or is not a report. */
export function readReport(path: string): Report {
  try {
    return parseReport(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`read the report "${path}": ${why}`, { cause });
  }
}

/** Errors: throws if the text is not a report of this format. */
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
  // the fields that are compared were checked; the others are only shown
  return value as Report;
}

/** A word, quoted for the shell. */
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

/** Shape: all rows have as many cells as the heading. */
export type SummaryTable = {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** Figures that stand for a load without a rate; the first one that it has counts. */
const MAIN_METRICS: readonly MetricName[] = ['rate', 'p50', 'residentMib', 'startMs'];

/** The name of each server: its program and version, and its role if these are the same for two. */
export function serverNames(servers: readonly ServerFact[]): (role: Role) => string {
  const nameOf = ({ name, role }: ServerFact): string => name ?? role;
  const names = servers.map(nameOf);
  const byRole = new Map(
    servers.map((server): [Role, string] => {
      const name = nameOf(server);
      const isAlone = names.filter((other) => other === name).length === 1;
      return [server.role, isAlone ? name : `${name} (${server.role})`];
    }),
  );
  return (role) => byRole.get(role) ?? role;
}

/** The figures of each server, and after those of the others the ratios of the first server to them. */
export function summaryOf({ entries, failures = [], servers }: Report): SummaryTable {
  const nameOf = serverNames(servers);
  const roles = rolesOf(entries);
  const head = ['work'];
  for (const [index, role] of roles.entries()) {
    head.push(nameOf(role), 'CPU', ...(index === 0 ? [] : ['ratio', 'of CPU']));
  }
  const rows = entries.map((entry) => [
    entry.name,
    ...roles.flatMap((role, index) => [
      ...figureCells(entry, role),
      ...(index === 0 ? [] : ratioCells(entry, role)),
    ]),
  ]);
  for (const { name } of failures) {
    rows.push(head.map((_, column) => ([name, 'failed'] as const)[column] ?? ''));
  }
  return { head, rows };
}

function figureCells({ results, unit }: Entry, role: Role): [string, string] {
  const figures = results.find((result) => result.role === role)?.median ?? {};
  const main = mainMetricOf(figures);
  const { cpuUs } = figures;
  return [
    main === undefined ? '' : spell(main, figures[main] ?? 0, unit),
    cpuUs === undefined ? '' : spell('cpuUs', cpuUs, unit),
  ];
}

function ratioCells({ results, ratios }: Entry, role: Role): [string, string] {
  const figures = ratios.find(({ to }) => to === role)?.figures ?? {};
  const main = mainMetricOf(results[0]?.median ?? {});
  return [ratioText(main === undefined ? undefined : figures[main]), ratioText(figures.cpuUs)];
}

/** The main figure of a load. */
function mainMetricOf(figures: Figures): MetricName | undefined {
  return (
    MAIN_METRICS.find((name) => figures[name] !== undefined) ??
    METRIC_NAMES.find((name) => figures[name] !== undefined)
  );
}

/** All servers that have figures, the first server first. */
function rolesOf(entries: readonly Entry[]): Role[] {
  const roles = new Set(entries.flatMap(({ results }) => results.map(({ role }) => role)));
  return [...roles];
}
