/**
 * Which options a configuration has changed.
 *
 * Thread: any.
 */

import type { OptionRows } from './option-table.ts';

/** The names, as in code, and keys, as in a configuration file, of the options that differ, in the table's order. */
export function changedOptions<T extends object>(
  rows: OptionRows,
  before: T,
  after: T,
): { readonly name: keyof T; readonly key: string }[] {
  return [...rows].flatMap(([row, { key, kind }]) => {
    // The table's rows have the names of the options, and values of their kinds.
    const name = row as keyof T;
    return kind.spell(before[name]) === kind.spell(after[name]) ? [] : [{ name, key }];
  });
}
