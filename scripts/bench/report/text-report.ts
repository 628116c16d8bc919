/** Results for a terminal or a log: one block for each load, plain lines. */

import type { Comparison } from './comparison.ts';
import { type Figures, METRIC_NAMES, METRICS, spell } from './metrics.ts';
import { type Entry, quoted } from './report.ts';

const ROLE_COLUMN = 12;
const LABEL_COLUMN = 26;
const VALUE_COLUMN = 24;

/** One load: a row for each figure, a column for each server. */
export function entryText({ name, words, unit, results, ratios, notes }: Entry): string {
  const lines = [`${name}`, `  ringmq bench ${words.map(quoted).join(' ')}`];
  const columns = [...results.map(({ role }) => role), ...ratios.map(({ to }) => `ratio to ${to}`)];
  lines.push(`  ${''.padEnd(LABEL_COLUMN)}${columns.map(inColumn).join('')}`.trimEnd());
  for (const metric of METRIC_NAMES) {
    if (!results.some(({ best }) => best[metric] !== undefined)) continue;
    const cells = [
      ...results.map(({ best }) => cell(best, metric, unit)),
      ...ratios.map(({ figures }) => ratioCell(figures[metric])),
    ];
    const { label } = METRICS[metric];
    lines.push(`  ${label.padEnd(LABEL_COLUMN)}${cells.map(inColumn).join('')}`.trimEnd());
  }
  for (const note of notes) lines.push(`  note: ${note}`);
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
export function ratioCell(ratio: number | undefined): string {
  return ratio === undefined ? '' : `× ${ratio.toFixed(2)}`;
}

function cell(figures: Figures, metric: (typeof METRIC_NAMES)[number], unit: string): string {
  const value = figures[metric];
  return value === undefined ? 'not known' : spell(metric, value, unit);
}

function inColumn(text: string): string {
  return text.padStart(VALUE_COLUMN);
}
