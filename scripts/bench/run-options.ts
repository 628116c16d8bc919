/** The options that sub-commands share: which servers are driven, how often, and what is reported. */

import {
  ArgumentError,
  amount,
  count,
  type OptionValues,
  optionalAddress,
  optionalCount,
  optionalText,
  toggle,
} from './options.ts';

const START_OPTIONS = {
  server: optionalText(
    'COMMAND',
    "measure a server that this command starts; it gets nsqd's flags (default: this broker)",
  ),
  serverFlags: optionalText(
    'FLAGS',
    "more flags for that server: --server-flags='--pump-threads=2 …'",
  ),
} as const;

const OTHER_SERVER_OPTIONS = {
  address: optionalAddress('measure a running server'),
  httpAddress: optionalAddress('HTTP address of that server (default: the next port)'),
  against: optionalAddress('measure a second, running server in alternation, run by run'),
  againstHttpAddress: optionalAddress('HTTP address of the second server'),
  againstServer: optionalText('COMMAND', 'start the second server with this command'),
  nullSink: toggle('also measure a null sink: the most that a Node server can do here'),
} as const;

const WARM_UP_OPTIONS = {
  warmUp: amount(
    1,
    0,
    'seconds of the same work, or of traffic through a channel, before each run; 0 is none',
  ),
} as const;

const REPORT_OPTIONS = {
  runs: count(3, 1, 'runs of each server; the median counts'),
  memQueueSize: optionalCount(
    0,
    'memory queue size of servers that are started (default: enough for all messages)',
  ),
  dataPath: optionalText(
    'DIRECTORY',
    'parent of the data directories of servers that are started (default: the directory for temporary files)',
  ),
  compare: optionalText('FILE', 'compare with the JSON of an earlier run'),
  html: optionalText('FILE', 'write the report as one page with charts, for a browser'),
  json: toggle('print one JSON document instead of tables'),
} as const;

/** For loads that need a server of their own. */
export const STARTED_OPTIONS = { ...START_OPTIONS, ...REPORT_OPTIONS } as const;

/** For every load. */
export const RUN_OPTIONS = {
  ...START_OPTIONS,
  ...OTHER_SERVER_OPTIONS,
  ...WARM_UP_OPTIONS,
  ...REPORT_OPTIONS,
} as const;

export type RunValues = OptionValues<typeof RUN_OPTIONS>;

/** Errors: throws an `ArgumentError` for options that contradict each other. */
export function checkRunOptions(values: RunValues): void {
  const { server, serverFlags, address, against, againstServer } = values;
  const forbid = (isSo: boolean, text: string): void => {
    if (isSo) throw new ArgumentError(text);
  };
  forbid(server !== null && address !== null, '--server and --address name the same server twice');
  forbid(
    against !== null && againstServer !== null,
    '--against and --against-server name the second server twice',
  );
  forbid(
    address !== null && serverFlags !== null,
    '--server-flags is for a server that is started, not for one at --address',
  );
  forbid(values.httpAddress !== null && address === null, '--http-address needs --address');
  forbid(
    values.againstHttpAddress !== null && against === null,
    '--against-http-address needs --against',
  );
}
