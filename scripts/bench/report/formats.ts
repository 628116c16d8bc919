/** A report as text for a terminal, and as Markdown. */

import { wrapWords } from '../../../src/daemon/options/wrap-words.ts';
import type { Role } from '../target.ts';
import type { Comparison } from './comparison.ts';
import { type Figures, METRIC_NAMES, METRICS, ratio, ratioText, spell } from './metrics.ts';
import { type Entry, quoted, type Report, serverNames, summaryOf } from './report.ts';

/** The suffix of a unit of rates. */
const PER_SECOND = '/s';

/** One load: a row for each figure, a column for each server. */
export function entryText(entry: Entry, nameOf: NameOf = String): string {
  const { name, words, notes } = entry;
  const { head, rows } = figuresTable(entry, nameOf);
  const lines = [name, ...wrappedLines('', `ringmq bench ${words.map(quoted).join(' ')}`)];
  if (rows.length > 0) lines.push(...tableLines(head, rows));
  for (const note of notes) lines.push(...wrappedLines('note: ', note));
  return lines.join('\n');
}

/** The names of the servers. */
export type NameOf = (role: Role) => string;

/** The medians of all runs, and ratios over pairs of successive runs. */
function figuresTable(
  { results, ratios, unit }: Entry,
  nameOf: NameOf,
): { head: string[]; rows: string[][] } {
  const head = [
    '',
    ...results.map(({ role }) => nameOf(role)),
    ...ratios.map(({ to }) => `ratio to ${nameOf(to)}`),
  ];
  const shown = METRIC_NAMES.filter((metric) =>
    results.some(({ median }) => median[metric] !== undefined),
  );
  const rows = shown.map((metric) => [
    METRICS[metric].label,
    // Figures of a single broker do not exist for all together.
    ...results.map(({ role, median }) =>
      median[metric] === undefined && role === 'all brokers' ? '' : cell(median, metric, unit),
    ),
    ...ratios.map(({ figures }) => ratioText(figures[metric])),
  ]);
  return { head, rows };
}

/** One of several entries that differ in one respect. */
export type SeriesColumn = {
  readonly head: string;
  readonly unit: string;
  readonly figures: Figures;
};

/** Entries side by side: a row for each figure, and the ratio of its rate to that of the first. */
export function seriesText(title: string, columns: readonly SeriesColumn[]): string {
  const rows: string[][] = [];
  for (const metric of METRIC_NAMES) {
    if (!columns.some(({ figures }) => figures[metric] !== undefined)) continue;
    const { label, unit } = METRICS[metric];
    rows.push([label, ...columns.map(({ figures, unit: of }) => cell(figures, metric, of))]);
    if (!unit.endsWith(PER_SECOND)) continue;
    const first = columns[0]?.figures[metric];
    const ratios = columns.map(({ figures }) => ratioText(ratio(figures[metric], first)));
    rows.push(['', ...ratios]);
  }
  return [title, ...tableLines(['', ...columns.map(({ head }) => head)], rows)].join('\n');
}

/** A summary of all loads. */
export function summaryText(report: Report): string {
  const { head, rows } = summaryOf(report);
  const failed = (report.failures ?? []).flatMap(({ name, reason }) =>
    wrappedLines('failed: ', `${name}: ${reason}`),
  );
  return ['summary', ...tableLines(head, rows), ...failed].join('\n');
}

/** Changes since an earlier report; unchanged figures are omitted. */
export function comparisonText({ earlier, changes, notes }: Comparison): string {
  const lines = [`compared with ${earlier.date} (${earlier.command})`];
  const different = changes.filter(({ verdict }) => verdict !== 'same');
  for (const { entry, role, metric, before, now, unit, ratio, verdict } of different) {
    const times = ratio === null ? '' : ` (× ${ratio.toFixed(2)})`;
    const values = `${spell(metric, before, unit)} → ${spell(metric, now, unit)}${times}`;
    lines.push(
      ...wrappedLines(
        `${verdict.padEnd(7)} `,
        `${entry}, ${role} ${METRICS[metric].label}: ${values}`,
      ),
    );
  }
  lines.push(`  ${changes.length - different.length} figures are the same within 5 %`);
  for (const note of notes) lines.push(...wrappedLines('note: ', note));
  return lines.join('\n');
}

function cell(figures: Figures, metric: (typeof METRIC_NAMES)[number], unit: string): string {
  const value = figures[metric];
  return value === undefined ? 'not known' : spell(metric, value, unit);
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
      ...servers.map(({ role, what, name }) => `- ${role}: ${name ?? 'unknown'}, \`${what}\``),
    ].join('\n'),
    summaryPart(report),
    `Each figure is the median of the runs of its server, servers in alternation. A ratio is the median over pairs of runs that
followed each other, of the first server's figure over the other's. Server CPU is that of the server's whole process, generator
CPU that of the load generator's.`,
    ...report.entries.map((entry) => entryPart(entry, serverNames(servers))),
  ];
  if (comparison !== null) parts.push(comparisonPart(comparison));
  return `${parts.join('\n\n')}\n`;
}

function summaryPart(report: Report): string {
  const { head, rows } = summaryOf(report);
  const failures = report.failures ?? [];
  const failed = failures.map(({ name, reason }) => `- ${name}: ${inline(reason)}`);
  const list = failed.length === 0 ? '' : `\n\nThese loads failed:\n\n${failed.join('\n')}`;
  return `## Summary\n\n${table(head, rows)}${list}`;
}

function entryPart(entry: Entry, nameOf: NameOf): string {
  const { name, words, results, notes } = entry;
  const { head, rows } = figuresTable(entry, nameOf);
  const runs = results[0]?.runs.length ?? 0;
  const lines = [`## ${name}`, '', `\`ringmq bench ${words.map(quoted).join(' ')}\``, ''];
  lines.push(runs === 1 ? 'One run of each server.' : `${runs} runs of each server.`, '');
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
    ratioText(ratio ?? undefined),
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

const COLUMNS_MAX = 100;
const INDENT = 2;
const GAP = 2;

/**
 * Rows under a heading, the first column left-aligned and the others right-aligned. Columns that do not fit follow
 * below, with the first one repeated.
 */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const lines: string[] = [];
  for (const columns of blocksOf(widths)) {
    for (const row of all) {
      const cells = columns.map((column) => row[column].padStart(widths[column] + GAP));
      lines.push(`${' '.repeat(INDENT)}${row[0].padEnd(widths[0])}${cells.join('')}`.trimEnd());
    }
  }
  return lines;
}

/** Words in lines, the first of which begins with `label`. */
function wrappedLines(label: string, text: string): string[] {
  const indent = ' '.repeat(INDENT + label.length);
  const lines = wrapWords(text.split(' '), COLUMNS_MAX - indent.length);
  return lines.map((line, index) =>
    index === 0 ? `${' '.repeat(INDENT)}${label}${line}` : `${indent}${line}`,
  );
}

/** Which columns are shown side by side after the first. */
function blocksOf(widths: readonly number[]): number[][] {
  const blocks: number[][] = [];
  let left = 0;
  for (let column = 1; column < widths.length; column++) {
    const needed = widths[column] + GAP;
    if (blocks.length === 0 || needed > left) {
      blocks.push([]);
      left = COLUMNS_MAX - INDENT - widths[0];
    }
    blocks[blocks.length - 1].push(column);
    left -= needed;
  }
  return blocks;
}
