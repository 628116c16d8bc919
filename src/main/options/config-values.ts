/**
 * The answers of `GET /config/<key>`.
 *
 * Thread: any.
 * Source: nsqd `doConfig`.
 */

import type { ConfigValue } from '../../daemon/options/option-kinds.ts';
import { OPTION_ROWS, type Options } from './options.ts';

const NAME_BY_KEY: ReadonlyMap<string, string> = new Map(
  [...OPTION_ROWS].map(([name, row]) => [row.key, name]),
);

/**
 * The value of the option with this key of the configuration file; undefined if there is no such option.
 *
 * Units: durations in whole nanoseconds, whatever unit the option uses.
 */
export function configValue(options: Options, key: string): ConfigValue | undefined {
  const name = NAME_BY_KEY.get(key);
  const row = name === undefined ? undefined : OPTION_ROWS.get(name);
  // The row of this name produced the value of this name, so their types agree.
  return row?.kind.show(options[name as keyof Options]);
}
