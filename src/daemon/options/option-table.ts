/**
 * A program's options as a table, from which flags, configuration keys, usage and checks follow.
 *
 * Thread: any.
 */

import { InvalidValue } from './invalid-value.ts';
import { anything, type Check } from './option-checks.ts';
import type { Kind } from './option-kinds.ts';

/** What options depend on in addition to the given values. */
export interface Machine {
  readonly hostname: string;
  /** How many threads can run at the same time. */
  readonly parallelism: number;
}

/** A default that is not the same on every machine. */
export class Derived<T> {
  readonly from: (machine: Machine) => T;

  constructor(from: (machine: Machine) => T) {
    this.from = from;
  }
}

/** One row of the table. */
export interface Option<T> {
  readonly kind: Kind<T>;
  /** Under which heading the usage shows it. */
  readonly group: string;
  /** The flag's name without dashes. */
  readonly flag: string;
  readonly initial: T | Derived<T>;
  readonly help: string;
  /** Its key in a configuration file and in `/config`. */
  readonly key: string;
  // A method, so that rows of all types fit one list.
  check(value: T, name: string): string | undefined;
}

/** The rows of a table by the names of their options, in the table's order. */
export type OptionRows = ReadonlyMap<string, Option<unknown>>;

/** A row, with the key that follows from the flag unless another is given. */
export function option<T>(
  kind: Kind<T>,
  group: string,
  flag: string,
  initial: T | Derived<T>,
  help: string,
  check: Check<T> = anything,
  key: string = flag.replaceAll('-', '_'),
): Option<T> {
  return { kind, group, flag, initial, help, key, check };
}

/** The rows of a table, for those who walk over all of them. */
export function rowsOf(table: Readonly<Record<string, unknown>>): OptionRows {
  // Every value of a table is a row.
  return new Map(Object.entries(table as Readonly<Record<string, Option<unknown>>>));
}

/** The default of an option on this machine. */
export function initialValue<T>(row: Option<T>, machine: Machine): T {
  return row.initial instanceof Derived ? row.initial.from(machine) : row.initial;
}

/**
 * Fills in defaults, and checks every value by itself.
 *
 * Shape: `given` by the options' names, values as their kinds have read them.
 */
export function completeValues(
  rows: OptionRows,
  given: ReadonlyMap<string, unknown>,
  machine: Machine,
): Readonly<Record<string, unknown>> | InvalidValue {
  const values: Record<string, unknown> = {};
  for (const [name, row] of rows) {
    const value = given.has(name) ? given.get(name) : initialValue(row, machine);
    const wrong = row.check(value, `--${row.flag}`);
    if (wrong !== undefined) return new InvalidValue(wrong);
    values[name] = value;
  }
  return values;
}
