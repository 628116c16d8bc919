/**
 * Visits a table in bounded parts.
 *
 * Thread: pump.
 */

/**
 * Calls `visit` with the entries from this one on to which `belongs` applies, and which it may remove, until it returns
 * false. Returns the entry after the last one, after at most `entriesMax` of any kind; -1 at the end of the table,
 * which has `used` entries.
 */
export function visitEntries(
  used: number,
  from: number,
  entriesMax: number,
  belongs: (entry: number) => boolean,
  visit: (entry: number) => boolean,
): number {
  const end = Math.min(used, from + entriesMax);
  for (let entry = from; entry < end; entry++) {
    if (belongs(entry) && !visit(entry)) return entry + 1;
  }
  return end >= used ? -1 : end;
}
