/** A report as a self-contained page for a browser, with charts in SVG. */

import type { Role } from '../target.ts';
import type { Comparison } from './comparison.ts';
import { METRICS, type MetricName, type Result, ratioText, spell } from './metrics.ts';
import { type Entry, quoted, type Report, serverNames, summaryOf } from './report.ts';

const BAR_METRICS: readonly MetricName[] = [
  'rate',
  'cpuUs',
  'publishRate',
  'consumeRate',
  'residentMib',
  'peakMib',
  'startMs',
];
const PERCENTILES = ['p50', 'p90', 'p99', 'p999', 'max'] as const;
const MS_PER_SECOND = 1000;
const TONES = 5;

const STYLE = `
:root { color-scheme: light dark; --text: #1d2430; --page: #fff; --line: #d7dce3; --faint: #667085;
  --c0: #2563eb; --c1: #d97706; --c2: #7c8798; --c3: #059669; --c4: #be185d; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ef; --page: #12161d; --line: #2c3440;
  --faint: #98a2b3; --c0: #60a5fa; --c1: #fbbf24; --c2: #98a2b3; --c3: #34d399; --c4: #f472b6; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
code { font-size: 0.85em; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1rem 2rem; }
figure { margin: 0; } figcaption, .legend, .note, dt { color: var(--faint); font-size: 0.85rem; }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: var(--text); }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: var(--line); } .line { fill: none; stroke-width: 2; } .dashed { stroke-dasharray: 5 4; opacity: 0.7; }
.before { fill: var(--text); }
.key { margin-right: 1.25rem; } .swatch { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.4em; }
.faint { opacity: 0.5; } .failed { color: #dc2626; } .better { color: #059669; } .worse { color: #dc2626; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; } dd { margin: 0; overflow-wrap: anywhere; }
${tones()}
`;

/** The whole page. `earlier`: the report to compare with. */
export function htmlReport(
  report: Report,
  earlier: Report | null,
  comparison: Comparison | null,
): string {
  const parts = [
    `<h1>Benchmarks</h1>${facts(report, earlier)}`,
    `<h2>Summary</h2>${summaryPart(report)}`,
    ...report.entries.map((entry) => entryPart(entry, report, earlier)),
    comparison === null ? '' : comparisonPart(comparison),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ringmq bench, ${escaped(report.date)}</title>
<style>${STYLE}</style>
</head>
<body>
${parts.join('\n')}
</body>
</html>
`;
}

function facts({ date, command, machine, servers, ringmq, node }: Report, earlier: Report | null) {
  const { cores, processor, memoryMib, system } = machine;
  const rows: [string, string][] = [
    ['date', date],
    ['command', command],
    ['machine', `${cores} cores, ${processor}, ${memoryMib} MiB, ${system}`],
    ['load generator', `ringmq ${ringmq}, Node ${node}`],
    ...servers.map(({ role, what, name }): [string, string] => [role, `${name ?? ''} ${what}`]),
    ...(earlier === null
      ? []
      : [['compared with', `${earlier.date}, ${earlier.command}`] as const]),
  ].map(([name, text]) => [name, text]);
  const items = rows.map(([name, text]) => `<dt>${escaped(name)}</dt><dd>${escaped(text)}</dd>`);
  return `<dl>${items.join('')}</dl>`;
}

function summaryPart(report: Report): string {
  const { head, rows } = summaryOf(report);
  const failures = (report.failures ?? []).map(
    ({ name, reason }) => `<li class="failed">${escaped(name)}: ${escaped(reason)}</li>`,
  );
  const failed =
    failures.length === 0 ? '' : `<p>These loads failed:</p><ul>${failures.join('')}</ul>`;
  return `${tableOf(head, rows)}${failed}`;
}

function entryPart(entry: Entry, report: Report, earlier: Report | null): string {
  const { name, words, notes, results, unit } = entry;
  const nameOf = serverNames(report.servers);
  const before = earlier?.entries.find((other) => other.name === name);
  const series = results.map(({ role }, index) => ({ name: nameOf(role), tone: index % TONES }));
  const bars = BAR_METRICS.filter((metric) =>
    results.some(({ median }) => median[metric] !== undefined),
  ).map((metric) => {
    const shown = results.flatMap(({ role, median }, index) => {
      const value = median[metric];
      if (value === undefined) return [];
      const then = medianBefore(before, role, metric);
      return [{ ...series[index], value, text: spell(metric, value, unit), before: then }];
    });
    return barChart(METRICS[metric].label, shown);
  });
  // Only loads that measure latencies have percentiles; some preparations have them, too.
  const hasLatency = results.some(({ median }) => median.p50 !== undefined);
  const charts = hasLatency ? [...bars, ...latencyCharts(results, series, before)] : bars;
  const list = notes.map((note) => `<li class="note">${escaped(note)}</li>`).join('');
  return (
    `<h2>${escaped(name)}</h2><p><code>ringmq bench ${escaped(words.map(quoted).join(' '))}</code></p>` +
    `${legend(series)}<div class="charts">${charts.join('')}</div>${list === '' ? '' : `<ul>${list}</ul>`}`
  );
}

/** Percentiles now and before, a histogram of the latencies, and percentiles over time. */
function latencyCharts(
  results: readonly Result[],
  series: readonly { readonly name: string; readonly tone: number }[],
  before: Entry | undefined,
): string[] {
  const curves: Line[] = results.flatMap(({ role, median }, index) => {
    const pointsOf = (figures: Partial<Record<MetricName, number>>): [number, number][] =>
      PERCENTILES.flatMap((metric, x): [number, number][] => {
        const value = figures[metric];
        return value === undefined ? [] : [[x, value]];
      });
    const then = before?.results.find((result) => result.role === role)?.median ?? {};
    const { name, tone } = series[index];
    return [
      { name, tone, points: pointsOf(median) },
      { name: `${name}, before`, tone, points: pointsOf(then), isDashed: true },
    ];
  });
  const ticks = PERCENTILES.map((metric, x): [number, string] => [x, METRICS[metric].label]);
  const histograms: Line[] = results.map(({ latency }, index) => ({
    ...series[index],
    points: (latency?.histogram ?? []).map(([upperMs, count]) => [Math.log10(upperMs), count]),
  }));
  const shownMs = histograms.flatMap(({ points }) => points.map(([x]) => x));
  const decades = range(Math.ceil(Math.min(...shownMs)), Math.floor(Math.max(...shownMs)));
  const overTime: Line[] = results.flatMap(({ latency }, index) => {
    const { name, tone } = series[index];
    const windows = latency?.windows ?? [];
    const at = (atMs: number): number => atMs / MS_PER_SECOND;
    return [
      { name: `${name}, p50`, tone, points: windows.map(({ atMs, p50 }) => [at(atMs), p50]) },
      {
        name: `${name}, p99`,
        tone,
        points: windows.map(({ atMs, p99 }) => [at(atMs), p99]),
        isDashed: true,
      },
    ];
  });
  const lastSecond = Math.max(0, ...overTime.flatMap(({ points }) => points.map(([x]) => x)));
  return [
    lineChart('percentiles; dashed: the earlier report', curves, ticks, msText),
    lineChart(
      'how often each latency was',
      histograms,
      decades.map((decade) => [decade, msText(10 ** decade)]),
      (count) => count.toLocaleString('en'),
    ),
    lineChart(
      'p50 over time; dashed: p99',
      lastSecond === 0 ? [] : overTime,
      [
        [0, '0 s'],
        [lastSecond, `${lastSecond.toFixed(1)} s`],
      ],
      msText,
    ),
  ];
}

function comparisonPart({ earlier, changes, notes }: Comparison): string {
  const rows = changes
    .filter(({ verdict }) => verdict !== 'same')
    .map(({ entry, role, metric, before, now, unit, ratio, verdict }) => [
      ...[
        entry,
        role,
        METRICS[metric].label,
        spell(metric, before, unit),
        spell(metric, now, unit),
      ],
      ...[ratioText(ratio ?? undefined), verdict],
    ]);
  const head = ['load', 'server', 'figure', 'then', 'now', 'ratio', ''];
  const list = notes.map((note) => `<li class="note">${escaped(note)}</li>`).join('');
  return `<h2>Compared with ${escaped(earlier.date)}</h2>${tableOf(head, rows)}<ul>${list}</ul>`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${row.map((text) => `<${tag}${classOf(text)}>${escaped(text)}</${tag}>`).join('')}</tr>`;
  const body = rows.map((row) => cells(row, 'td')).join('');
  return `<div class="scroll"><table><thead>${cells(head, 'th')}</thead><tbody>${body}</tbody></table></div>`;
}

/** The colour of a cell with a result of the comparison. */
function classOf(text: string): string {
  return ['failed', 'better', 'worse'].includes(text) ? ` class="${text}"` : '';
}

function medianBefore(before: Entry | undefined, role: Role, metric: MetricName) {
  return before?.results.find((result) => result.role === role)?.median[metric];
}

function msText(ms: number): string {
  return ms >= 1
    ? `${ms.toLocaleString('en')} ms`
    : `${Number((ms * MS_PER_SECOND).toPrecision(1))} µs`;
}

function range(from: number, to: number): number[] {
  return Number.isFinite(from) && to >= from
    ? Array.from({ length: to - from + 1 }, (_, index) => from + index)
    : [];
}

function tones(): string {
  return Array.from(
    { length: TONES },
    (_, tone) =>
      `.tone${tone} { fill: var(--c${tone}); background: var(--c${tone}); } .stroke${tone} { stroke: var(--c${tone}); }`,
  ).join('\n');
}

/** A line or a row of bars. `tone`: the colour of the page. */
type Series = { readonly name: string; readonly tone: number };

/** A bar, with that of an earlier report if there is one. */
type Bar = Series & {
  readonly value: number;
  readonly text: string;
  readonly before: number | undefined;
};

/** A line through points. */
type Line = Series & {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
};

const WIDTH = 460;
const BAR_HEIGHT = 18;
const BAR_GAP = 6;
const LABEL_WIDTH = 150;
const VALUE_WIDTH = 110;
const PLOT_HEIGHT = 150;
const LEFT = 54;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 24;

/** A bar for each server; a mark shows the earlier value. */
function barChart(title: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.flatMap(({ value, before }) => [value, before ?? 0]));
  const scale = (value: number): number =>
    most === 0 ? 0 : (value / most) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH);
  const rows = bars.map(({ name, tone, value, text, before }, index) => {
    const y = index * (BAR_HEIGHT + BAR_GAP);
    const middle = y + BAR_HEIGHT / 2 + 4;
    const mark =
      before === undefined
        ? ''
        : `<rect class="before" x="${fixed(LABEL_WIDTH + scale(before) - 1)}" y="${y - 2}" width="2" height="${BAR_HEIGHT + 4}"><title>before</title></rect>`;
    return (
      `<text x="${LABEL_WIDTH - 8}" y="${middle}" class="end">${escaped(name)}</text>` +
      `<rect class="tone${tone}" x="${LABEL_WIDTH}" y="${y}" width="${fixed(scale(value))}" height="${BAR_HEIGHT}"/>` +
      `${mark}<text x="${fixed(LABEL_WIDTH + scale(value) + 6)}" y="${middle}">${escaped(text)}</text>`
    );
  });
  const height = bars.length * (BAR_HEIGHT + BAR_GAP);
  return figure(title, height, rows.join(''));
}

/** Lines over a common axis; `y` is logarithmic. `xTicks` label the x axis, `yText` formats the values of the y axis. */
function lineChart(
  title: string,
  lines: readonly Line[],
  xTicks: readonly (readonly [x: number, text: string])[],
  yText: (value: number) => string,
): string {
  const all = lines.flatMap(({ points }) => points).filter(([, y]) => y > 0);
  if (all.length === 0) return '';
  const [xMin, xMax] = boundsOf(all.map(([x]) => x));
  const [yMin, yMax] = boundsOf(all.map(([, y]) => Math.log10(y)));
  const low = Math.floor(yMin);
  const high = Math.max(low + 1, Math.ceil(yMax));
  const width = WIDTH - LEFT - RIGHT;
  const xOf = (x: number): number =>
    LEFT + (xMax === xMin ? width / 2 : ((x - xMin) / (xMax - xMin)) * width);
  const yOf = (y: number): number => TOP + (1 - (Math.log10(y) - low) / (high - low)) * PLOT_HEIGHT;
  const grid = Array.from({ length: high - low + 1 }, (_, index) => {
    const value = 10 ** (low + index);
    const y = fixed(yOf(value));
    return (
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>` +
      `<text class="end" x="${LEFT - 6}" y="${Number(y) + 4}">${escaped(yText(value))}</text>`
    );
  });
  const ticks = xTicks.map(
    ([x, text]) =>
      `<text class="middle" x="${fixed(xOf(x))}" y="${TOP + PLOT_HEIGHT + 16}">${escaped(text)}</text>`,
  );
  const paths = lines.map(({ name, tone, points, isDashed }) => {
    const shown = points.filter(([, y]) => y > 0);
    const path = shown.map(([x, y]) => `${fixed(xOf(x))},${fixed(yOf(y))}`).join(' ');
    const dashed = isDashed === true ? ' dashed' : '';
    return `<polyline class="line stroke${tone}${dashed}" points="${path}"><title>${escaped(name)}</title></polyline>`;
  });
  return figure(title, TOP + PLOT_HEIGHT + BOTTOM, [...grid, ...ticks, ...paths].join(''));
}

/** The names of series next to their colours. */
function legend(series: readonly (Series & { readonly isDashed?: boolean })[]): string {
  const items = series.map(
    ({ name, tone, isDashed }) =>
      `<span class="key"><i class="swatch tone${tone}${isDashed === true ? ' faint' : ''}"></i>${escaped(name)}</span>`,
  );
  return `<p class="legend">${items.join('')}</p>`;
}

/** A text as HTML. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function figure(title: string, height: number, inside: string): string {
  return (
    `<figure><figcaption>${escaped(title)}</figcaption>` +
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">${inside}</svg></figure>`
  );
}

function boundsOf(values: readonly number[]): [number, number] {
  return values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

function fixed(value: number): string {
  return value.toFixed(1);
}
