/**
 * The table of a program's options, from which flags, configuration keys, usage and checks are derived.
 *
 * Thread: any.
 */

import { InvalidValue } from './invalid-value.ts';
import { anything, type Check } from './option-checks.ts';
import type { OptionKind } from './option-kinds.ts';

/** Properties of the machine that defaults depend on. */
export interface Machine {
  readonly hostname: string;
  /** How many threads can run in parallel. */
  readonly parallelism: number;
}

/** A default that depends on the machine. */
export class Derived<T> {
  readonly from: (machine: Machine) => T;

  constructor(from: (machine: Machine) => T) {
    this.from = from;
  }
}

/** One row of the table. `Given`: the type of values that a program passes. */
export interface Option<T, Given = T> {
  readonly kind: OptionKind<T, Given>;
  /** Its heading in the usage. */
  readonly group: string;
  /** The flag's name without dashes. */
  readonly flag: string;
  readonly initial: T | Derived<T>;
  readonly help: string;
  /** Its key in a configuration file and in `/config`. */
  readonly key: string;
  // A method rather than a property, so that rows of all types fit one list.
  check(value: T, name: string): string | undefined;
}

/** The complete options of a table, by name. */
export type OptionValues<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T, never> ? T : never;
};

/** The rows of a table by option name, in the table's order. */
export type OptionRows = ReadonlyMap<string, Option<unknown>>;

/** Makes a row; its key is derived from the flag unless another is given. */
export function option<T, Given>(
  kind: OptionKind<T, Given>,
  group: string,
  flag: string,
  initial: T | Derived<T>,
  help: string,
  check: Check<T> = anything,
  key: string = flag.replaceAll('-', '_'),
): Option<T, Given> {
  return { kind, group, flag, initial, help, key, check };
}

/** The rows of a table, for iteration. */
export function rowsOf(table: Readonly<Record<string, unknown>>): OptionRows {
  // All values of a table are rows.
  return new Map(Object.entries(table as Readonly<Record<string, Option<unknown>>>));
}

/** The default of an option on this machine. */
export function initialValue<T>(row: Option<T>, machine: Machine): T {
  return row.initial instanceof Derived ? row.initial.from(machine) : row.initial;
}

/** The name of an option for the source of its value. */
export type Naming = (name: string, row: Option<unknown>) => string;

/** As on the command line. */
export const asFlag: Naming = (_name, { flag }) => `--${flag}`;

/**
 * Fills in defaults and checks each value separately.
 *
 * Shape: `given` by option name, values as parsed by their kinds.
 */
export function completeValues(
  rows: OptionRows,
  given: ReadonlyMap<string, unknown>,
  machine: Machine,
  naming: Naming = asFlag,
): Readonly<Record<string, unknown>> | InvalidValue {
  const values: Record<string, unknown> = {};
  for (const [name, row] of rows) {
    const value = given.has(name) ? given.get(name) : initialValue(row, machine);
    const wrong = row.check(value, naming(name, row));
    if (wrong !== undefined) return new InvalidValue(wrong, name);
    values[name] = value;
  }
  return values;
}
