/** Formats numbers, sizes and times. */

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const SHORT_FROM = 100_000;
const UNITS = ['', 'k', 'M', 'G', 'T'];
const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/**
 * A number in full: `1,234,567`.
 * @param {number} value
 */
export function whole(value) {
  return WHOLE.format(value);
}

/**
 * A count, short where it is large: `12,345`, `1.23 M`.
 * @param {number | null | undefined} value
 */
export function count(value) {
  if (value === null || value === undefined) return '–';
  if (Math.abs(value) < SHORT_FROM) return WHOLE.format(value);
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1000 && unit < UNITS.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${digits(scaled)} ${UNITS[unit]}`;
}

/**
 * A number per second: `0`, `0.4`, `12`, `1.2 M`; a dash where it is not known yet.
 * @param {number | null | undefined} value
 */
export function rate(value) {
  if (value === null || value === undefined) return '–';
  if (value > 0 && value < 9.95) return value < 0.05 ? '<0.1' : value.toFixed(1);
  return count(Math.round(value));
}

/**
 * A size: `512 B`, `1.5 GiB`.
 * @param {number | null | undefined} value
 */
export function bytes(value) {
  if (value === null || value === undefined) return '–';
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < SIZES.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return unit === 0 ? `${scaled} B` : `${digits(scaled)} ${SIZES[unit]}`;
}

/**
 * A time span: `0.2 ms`, `1.5 s`, `3 min`, `2 h 5 min`, `3 d 4 h`.
 * @param {number | null | undefined} ms
 */
export function span(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1000) return `${ms < 10 ? digits(ms) : Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.floor(s)} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const hours = Math.floor(min / 60);
  if (hours < 24) return `${hours} h ${min % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * A share of one, in percent.
 * @param {number | null | undefined} share
 */
export function percent(share) {
  if (share === null || share === undefined || !Number.isFinite(share)) return '–';
  const value = share * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
}

/**
 * The time of day: `14:03:59`.
 * @param {number} unixMs
 */
export function timeOfDay(unixMs) {
  const time = new Date(unixMs);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/**
 * Day and time: `2026-11-28 14:03:59`.
 * @param {number} unixMs
 */
export function dayAndTime(unixMs) {
  const time = new Date(unixMs);
  const day = [time.getFullYear(), time.getMonth() + 1, time.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
  return `${day} ${timeOfDay(unixMs)}`;
}

/**
 * One thing or many: `1 topic`, `2 topics`.
 * @param {number} value
 * @param {string} noun
 */
export function counted(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** @param {number} value */
function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  return size < 10 ? value.toFixed(2) : size < 100 ? value.toFixed(1) : value.toFixed(0);
}
