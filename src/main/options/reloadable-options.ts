/**
 * The options that can change while the broker runs, and which of them have changed.
 *
 * Every part of the broker reads them when it needs them, from the one object of options in force. Clients keep what
 * they negotiated.
 *
 * Thread: any.
 */

import { OPTION_ROWS, type Options } from './options.ts';

/** By name in code. */
const RELOADABLE = new Set<keyof Options>([
  'logLevel',
  'lookupdTcpAddress',
  'msgTimeoutMs',
  'maxReqTimeoutMs',
  'memQueueSize',
  'maxDepth',
  'maxBytes',
  'whenFull',
  'maxRdyCount',
  'maxChannelConsumers',
  'maxHeartbeatIntervalMs',
  'maxOutputBufferSize',
  'maxOutputBufferTimeoutMs',
  'minOutputBufferTimeoutMs',
  'outputBufferTimeoutMs',
  'deflate',
  'maxDeflateLevel',
  'snappy',
]);

/** An option that has a new value. Shape: `key` as in the configuration file. */
export type ChangedOption = {
  readonly name: keyof Options;
  readonly key: string;
  readonly isReloadable: boolean;
};

/** The options that differ, in the table's order. */
export function changedOptions(before: Options, after: Options): ChangedOption[] {
  const changed: ChangedOption[] = [];
  for (const [row, { key, kind }] of OPTION_ROWS) {
    // The table's rows have the names of the options, and values of their kinds.
    const name = row as keyof Options;
    if (kind.spell(before[name]) === kind.spell(after[name])) continue;
    changed.push({ name, key, isReloadable: RELOADABLE.has(name) });
  }
  return changed;
}
