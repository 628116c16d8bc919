/** Results for a terminal or a log: one block for each load, plain lines. */

import type { Comparison } from './comparison.ts';
import { type Figures, METRIC_NAMES, METRICS, spell } from './metrics.ts';
import { type Entry, quoted } from './report.ts';
import { ratio } from './results.ts';

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
export function ratioCell(ratio: number | undefined): string {
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
