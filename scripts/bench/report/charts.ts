/** Charts as SVG, in one piece with the page: nothing is loaded, and nothing runs. */

/** One line or row of bars. `tone`: which of the page's colours. */
export type Series = { readonly name: string; readonly tone: number };

/** A bar, with the one of an earlier report if there is one. */
export type Bar = Series & {
  readonly value: number;
  readonly text: string;
  readonly before: number | undefined;
};

/** A line through points. */
export type Line = Series & {
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

/** A bar for each server; a mark shows what it was before. */
export function barChart(title: string, bars: readonly Bar[]): string {
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

/** Lines over a common axis; `y` is logarithmic. `xText` and `yText` label the axes' ends. */
export function lineChart(
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

/** The names of series beside their colours. */
export function legend(series: readonly (Series & { readonly isDashed?: boolean })[]): string {
  const items = series.map(
    ({ name, tone, isDashed }) =>
      `<span class="key"><i class="swatch tone${tone}${isDashed === true ? ' faint' : ''}"></i>${escaped(name)}</span>`,
  );
  return `<p class="legend">${items.join('')}</p>`;
}

/** A text in HTML. */
export function escaped(text: string): string {
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
