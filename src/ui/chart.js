/** Charts of the last hour: the broker's history, then live values. */

import { h, setText } from './dom.js';
import uPlot from './uplot.js';

/**
 * @typedef {object} ChartSetup
 * @property {string} title
 * @property {readonly { label: string, tone: 'in' | 'out' | 'depth' | 'in-flight' | 'deferred' }[]} series
 * @property {(value: number | null) => string} format
 */

const HOUR_S = 3600;
const HEIGHT = 180;
/** A page that has just been opened on a new broker shows less than an hour. */
const SHOWN_MIN_S = 300;
/** The minimum of an axis' largest value, so that its steps are whole numbers. */
const AXIS_MIN = 4;
/** Seconds that a live point averages. */
const POINT_S = 5;

/** Lines over the last hour; the legend shows the current values. */
class TimeChart {
  #setup;
  /** @type {number[]} */
  #times = [];
  /** @type {(number | null)[][]} */
  #values;
  /** The values that the last point averages. */
  #count = 0;
  /** @type {uPlot | null} */
  #plot = null;
  #body;
  #numbers;
  #observer;

  /** @param {ChartSetup} setup */
  constructor(setup) {
    this.#setup = setup;
    this.#values = setup.series.map(() => []);
    this.#body = h('div', {
      class: 'chart',
      role: 'img',
      'aria-label': `${setup.title}, last hour`,
    });
    this.#numbers = setup.series.map(() => h('b', {}, '–'));
    const legend = setup.series.map(({ label, tone }, at) =>
      h('span', {}, h('i', { 'data-tone': tone }), `${label} `, this.#numbers[at]),
    );
    this.element = h(
      'section',
      { class: 'panel' },
      h('header', {}, h('h2', {}, setup.title), h('div', { class: 'legend' }, ...legend)),
      this.#body,
    );
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this.#body);
    addEventListener('themechange', this.#onTheme);
  }

  close() {
    this.#observer.disconnect();
    removeEventListener('themechange', this.#onTheme);
    this.#plot?.destroy();
  }

  /**
   * Adds the broker's history before the live values.
   * @param {{ endMs: number, intervalMs: number }} when
   * @param {readonly (readonly (number | null)[])[]} series
   */
  setHistory({ endMs, intervalMs }, series) {
    const length = series[0].length;
    const times = series[0].map((_, at) => (endMs - (length - 1 - at) * intervalMs) / 1000);
    const first = this.#times[0] ?? Number.POSITIVE_INFINITY;
    const kept = times.filter((time) => time < first).length;
    this.#times.unshift(...times.slice(0, kept));
    this.#values.forEach((values, at) => {
      values.unshift(...series[at].slice(0, kept));
    });
    this.#draw();
  }

  /**
   * Adds the current values.
   * @param {number} timeMs
   * @param {readonly (number | null)[]} now
   */
  push(timeMs, now) {
    now.forEach((value, at) => {
      setText(this.#numbers[at], this.#setup.format(value));
    });
    if (now.every((value) => value === null)) return;
    const time = timeMs / 1000;
    const last = this.#times.length - 1;
    if (this.#count > 0 && this.#count < POINT_S && last >= 0) {
      this.#times[last] = time;
      this.#values.forEach((values, at) => {
        const value = now[at];
        const mean = values[last];
        if (value === null) return;
        values[last] = mean === null ? value : mean + (value - mean) / (this.#count + 1);
      });
      this.#count++;
    } else {
      this.#times.push(time);
      this.#values.forEach((values, at) => {
        values.push(now[at]);
      });
      this.#count = 1;
    }
    const old = this.#times.findIndex((at) => at >= time - HOUR_S);
    if (old > 0) for (const list of [this.#times, ...this.#values]) list.splice(0, old);
    this.#draw();
  }

  #onTheme = () => {
    this.#plot?.destroy();
    this.#plot = null;
    this.#draw();
  };

  #resize() {
    const width = this.#body.clientWidth - 12;
    if (width > 0 && this.#plot !== null && this.#plot.width !== width) {
      this.#plot.setSize({ width, height: HEIGHT });
    }
  }

  #draw() {
    if (this.#times.length === 0 || this.#body.clientWidth === 0) return;
    /** @type {uPlot.AlignedData} */
    const data = [this.#times, ...this.#values];
    if (this.#plot === null) {
      this.#plot = new uPlot(this.#options(), data, this.#body);
    } else {
      this.#plot.setData(data);
    }
  }

  /** @returns {uPlot.Options} */
  #options() {
    const style = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
    const { series, format } = this.#setup;
    const axis = {
      stroke: colour('muted'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: colour('line-soft'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: this.#body.clientWidth - 12,
      height: HEIGHT,
      legend: { show: false },
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      hooks: { setCursor: [(plot) => this.#onCursor(plot)] },
      scales: {
        x: {
          range: (_, min, max) => [max - Math.min(Math.max(max - min, SHOWN_MIN_S), HOUR_S), max],
        },
        y: { range: (_, __, max) => [0, Math.max(AXIS_MIN, max * 1.12)] },
      },
      axes: [
        { ...axis, space: 70, size: 28, values: (_, ticks) => ticks.map(hourAndMinute) },
        { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => format(tick)) },
      ],
      series: [
        {},
        ...series.map(({ label, tone }) => ({
          label,
          stroke: colour(tone),
          fill: `${colour(tone)}1f`,
          width: 1.6,
          points: { show: false },
          spanGaps: false,
        })),
      ],
    };
  }

  /**
   * The legend shows the values at the pointer, or the current ones.
   * @param {uPlot} plot
   */
  #onCursor(plot) {
    const at = plot.cursor.idx ?? this.#times.length - 1;
    this.#values.forEach((values, which) => {
      setText(this.#numbers[which], this.#setup.format(values[at] ?? null));
    });
  }
}

/** @param {number} unixS */
function hourAndMinute(unixS) {
  const time = new Date(unixS * 1000);
  return `${time.getHours()}:${String(time.getMinutes()).padStart(2, '0')}`;
}

/** The two charts of the broker, a topic or a channel. */
export class HistoryCharts {
  #rates;
  #held;

  /**
   * @param {(value: number | null) => string} rate
   * @param {(value: number | null) => string} count
   */
  constructor(rate, count) {
    this.#rates = new TimeChart({
      title: 'Messages per second',
      series: [
        { label: 'in', tone: 'in' },
        { label: 'out', tone: 'out' },
      ],
      format: rate,
    });
    this.#held = new TimeChart({
      title: 'Messages',
      series: [
        { label: 'waiting', tone: 'depth' },
        { label: 'in flight', tone: 'in-flight' },
        { label: 'deferred', tone: 'deferred' },
      ],
      format: count,
    });
    this.element = h('div', { class: 'pair' }, this.#rates.element, this.#held.element);
  }

  /** @param {Promise<import('./types.d.ts').History | null>} reading */
  async load(reading) {
    const history = await reading;
    if (history === null) return;
    this.#rates.setHistory(history, [history.in, history.out]);
    this.#held.setHistory(history, [history.depth, history.inFlight, history.deferred]);
  }

  /**
   * @param {number} timeMs
   * @param {Pick<import('./types.d.ts').Row, 'in' | 'out' | 'queued' | 'inFlight' | 'deferred'>} now
   */
  push(timeMs, now) {
    this.#rates.push(timeMs, [now.in, now.out]);
    this.#held.push(timeMs, [now.queued, now.inFlight, now.deferred]);
  }

  close() {
    this.#rates.close();
    this.#held.close();
  }
}
