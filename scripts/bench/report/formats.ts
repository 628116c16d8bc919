/**
 * A report as text for a terminal, and as Markdown.
 */

import type { Comparison } from './comparison.ts';
import { type Figures, METRIC_NAMES, METRICS, ratio, spell } from './metrics.ts';
import { type Entry, quoted, type Report } from './report.ts';

const ROLE_COLUMN = 12;
const LABEL_COLUMN = 26;
const VALUE_COLUMN = 24;
/** What the unit of a rate ends with. */
const PER_SECOND = '/s';

/** One load: a row for each figure, a column for each server. */
export function entryText({ name, words, unit, results, ratios, notes }: Entry): string {
  const lines = [`${name}`, `  ringmq bench ${words.map(quoted).join(' ')}`];
  const columns = [...results.map(({ role }) => role), ...ratios.map(({ to }) => `ratio to ${to}`)];
  lines.push(row('', columns));
  for (const metric of METRIC_NAMES) {
    if (!results.some(({ best }) => best[metric] !== undefined)) continue;
    const cells = [
      // what is one broker's by its nature is not known of all because it is nothing
      ...results.map(({ role, best }) =>
        best[metric] === undefined && role === 'all brokers' ? '' : cell(best, metric, unit),
      ),
      ...ratios.map(({ figures }) => ratioCell(figures[metric])),
    ];
    lines.push(row(METRICS[metric].label, cells));
  }
  for (const note of notes) lines.push(`  note: ${note}`);
  return lines.join('\n');
}

/** One of several entries that differ in one thing. */
export type SeriesColumn = {
  readonly head: string;
  readonly unit: string;
  readonly figures: Figures;
};

/** Entries side by side: a row for each figure, and how often its rate is the first one's. */
export function seriesText(title: string, columns: readonly SeriesColumn[]): string {
  const lines = [
    title,
    row(
      '',
      columns.map(({ head }) => head),
    ),
  ];
  for (const metric of METRIC_NAMES) {
    if (!columns.some(({ figures }) => figures[metric] !== undefined)) continue;
    const { label, unit } = METRICS[metric];
    lines.push(
      row(
        label,
        columns.map(({ figures, unit: of }) => cell(figures, metric, of)),
      ),
    );
    if (!unit.endsWith(PER_SECOND)) continue;
    const first = columns[0]?.figures[metric];
    const ratios = columns.map(({ figures }) => ratioCell(ratio(figures[metric], first)));
    lines.push(row('', ratios));
  }
  return lines.join('\n');
}

/** What has changed since an earlier report; figures that are the same are left out. */
export function comparisonText({ earlier, changes, notes }: Comparison): string {
  const lines = [`compared with ${earlier.date} (${earlier.command})`];
  const different = changes.filter(({ verdict }) => verdict !== 'same');
  for (const { entry, role, metric, before, now, unit, ratio, verdict } of different) {
    const times = ratio === null ? '' : ` (× ${ratio.toFixed(2)})`;
    const values = `${spell(metric, before, unit)} → ${spell(metric, now, unit)}${times}`;
    lines.push(
      `  ${verdict.padEnd(7)} ${entry}, ${role.padEnd(ROLE_COLUMN)} ${METRICS[metric].label}: ${values}`,
    );
  }
  lines.push(`  ${changes.length - different.length} figures are the same within 5 %`);
  for (const note of notes) lines.push(`  note: ${note}`);
  return lines.join('\n');
}

/** A ratio for people. */
function ratioCell(ratio: number | undefined): string {
  return ratio === undefined ? '' : `× ${ratio.toFixed(2)}`;
}

function cell(figures: Figures, metric: (typeof METRIC_NAMES)[number], unit: string): string {
  const value = figures[metric];
  return value === undefined ? 'not known' : spell(metric, value, unit);
}

function row(label: string, cells: readonly string[]): string {
  const values = cells.map((text) => text.padStart(VALUE_COLUMN)).join('');
  return `  ${label.padEnd(LABEL_COLUMN)}${values}`.trimEnd();
}

/** `comparison`: with an earlier report, if there is one. */
export function markdownReport(report: Report, comparison: Comparison | null): string {
  const { machine, servers } = report;
  const parts = [
    '# Benchmarks',
    [
      `- date: ${report.date}`,
      `- command: \`${report.command}\``,
      `- machine: ${machine.cores} cores, ${machine.processor}, ${machine.memoryMib} MiB, ${machine.system}`,
      `- load generator: ringmq ${report.ringmq}, Node ${report.node}`,
      ...servers.map(
        ({ role, what, version }) => `- ${role}: \`${what}\`, version ${version ?? 'unknown'}`,
      ),
    ].join('\n'),
    `Each figure is the best of the runs of its server, servers in alternation. Server CPU is that of the server's whole
process, generator CPU that of the load generator's. A ratio is the median over pairs of runs of the first server's
figure over the other's.`,
    ...report.entries.map(entryPart),
  ];
  if (comparison !== null) parts.push(comparisonPart(comparison));
  return `${parts.join('\n\n')}\n`;
}

function entryPart({ name, words, unit, results, ratios, notes }: Entry): string {
  const head = [
    '',
    ...results.map(
      ({ role, runs }) => `${role} (${runs.length} ${runs.length === 1 ? 'run' : 'runs'})`,
    ),
    ...ratios.map(({ to }) => `ratio to ${to}`),
  ];
  const rows = METRIC_NAMES.filter((metric) =>
    results.some(({ best }) => best[metric] !== undefined),
  ).map((metric) => [
    METRICS[metric].label,
    ...results.map(({ best }) => {
      const value = best[metric];
      return value === undefined ? 'not known' : spell(metric, value, unit);
    }),
    ...ratios.map(({ figures }) => ratioCell(figures[metric])),
  ]);
  const lines = [`## ${name}`, '', `\`ringmq bench ${words.map(quoted).join(' ')}\``, ''];
  if (rows.length > 0) lines.push(table(head, rows));
  if (notes.length > 0) lines.push('', ...notes.map((note) => `- ${inline(note)}`));
  return lines.join('\n');
}

function comparisonPart({ earlier, changes, notes }: Comparison): string {
  const rows = changes.map(({ entry, role, metric, before, now, unit, ratio, verdict }) => [
    entry,
    role,
    METRICS[metric].label,
    spell(metric, before, unit),
    spell(metric, now, unit),
    ratioCell(ratio ?? undefined),
    verdict,
  ]);
  const lines = [
    `## Compared with ${earlier.date}`,
    '',
    `\`${earlier.command}\``,
    '',
    table(['load', 'server', 'figure', 'then', 'now', 'ratio', ''], rows),
  ];
  if (notes.length > 0) lines.push('', ...notes.map((note) => `- ${inline(note)}`));
  return lines.join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => inline(text).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function inline(text: string): string {
  return text.replaceAll('\n', ' ');
}
