/**
 * Dates in the names of files, in local time.
 *
 * Shape: `%` and one of B b m A a d H I M S Y y p Z z %; everything else stays as it is.
 * Thread: any (pure).
 * Source: nsq_to_file's `strftime`.
 */

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const SHORT = 3;
const NOON = 12;
const HOUR_MINUTES = 60;

const FIELDS: Readonly<Record<string, (time: Date) => string>> = {
  B: (time) => MONTHS[time.getMonth()],
  b: (time) => MONTHS[time.getMonth()].slice(0, SHORT),
  m: (time) => pad(time.getMonth() + 1),
  A: (time) => DAYS[time.getDay()],
  a: (time) => DAYS[time.getDay()].slice(0, SHORT),
  d: (time) => pad(time.getDate()),
  H: (time) => pad(time.getHours()),
  I: (time) => pad(time.getHours() % NOON || NOON),
  M: (time) => pad(time.getMinutes()),
  S: (time) => pad(time.getSeconds()),
  Y: (time) => time.getFullYear().toString().padStart(4, '0'),
  y: (time) => pad(time.getFullYear() % 100),
  p: (time) => (time.getHours() < NOON ? 'AM' : 'PM'),
  Z: zoneName,
  z: zoneOffset,
  '%': () => '%',
};

/** Formats a time. */
export function strftime(format: string, time: Date): string {
  return format.replace(/%(.)/gs, (all, letter: string) =>
    Object.hasOwn(FIELDS, letter) ? FIELDS[letter](time) : all,
  );
}

function pad(value: number): string {
  return value.toString().padStart(2, '0');
}

/** Such as CET; a zone without a name has its offset, as in Go. */
function zoneName(time: Date): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(time);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return /^[A-Z]{3,5}$/.test(name) ? name : zoneOffset(time).replace(/00$/, '');
}

function zoneOffset(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  const sign = minutes < 0 ? '-' : '+';
  const size = Math.abs(minutes);
  return `${sign}${pad(Math.floor(size / HOUR_MINUTES))}${pad(size % HOUR_MINUTES)}`;
}
