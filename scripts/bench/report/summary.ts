/** A report at a glance: a row for each load, with rates, CPU time and what they are beside the other servers'. */

import type { Role } from '../target.ts';
import { type Figures, METRIC_NAMES, type MetricName, ratioText, spell } from './metrics.ts';
import type { Entry, Report, ServerFact } from './report.ts';

/** Shape: all rows have as many cells as the head. */
export type SummaryTable = {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** Figures that stand for a load without a rate; the first that it has counts. */
const MAIN_METRICS: readonly MetricName[] = ['rate', 'p50', 'residentMib', 'startMs'];

/** What each server is called: by its program and version, and by its role where that would be the same twice. */
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

/** The figures of each server, and behind those of the others the first server's ratios to them. */
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

/** The figure that a load is about. */
function mainMetricOf(figures: Figures): MetricName | undefined {
  return (
    MAIN_METRICS.find((name) => figures[name] !== undefined) ??
    METRIC_NAMES.find((name) => figures[name] !== undefined)
  );
}

/** All that have figures, the first server first. */
function rolesOf(entries: readonly Entry[]): Role[] {
  const roles = new Set(entries.flatMap(({ results }) => results.map(({ role }) => role)));
  return [...roles];
}
