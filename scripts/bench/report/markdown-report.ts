/** A whole report as Markdown. */

import type { Comparison } from './comparison.ts';
import { METRIC_NAMES, METRICS, spell } from './metrics.ts';
import { type Entry, quoted, type Report } from './report.ts';
import { ratioCell } from './text-report.ts';

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
