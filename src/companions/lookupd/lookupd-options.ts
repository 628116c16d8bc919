/**
 * Every option of `ringmq lookupd`: one table, from which flags, configuration keys, usage, checks and the type of the
 * complete options follow.
 *
 * Units: an option whose name ends in `Ms` counts milliseconds, fractions allowed.
 * Thread: any.
 * Source: nsqlookupd `Options`; the group "Bounds", and the options of log format, log file and profiles, are ours.
 */

import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { lasting, listenableAt, within } from '../../daemon/options/option-checks.ts';
import { duration, integer, text } from '../../daemon/options/option-kinds.ts';
import {
  completeValues,
  Derived,
  type Machine,
  type OptionRows,
  type OptionValues,
  option,
  rowsOf,
} from '../../daemon/options/option-table.ts';
import { SERVER_FLAGS, type ServerProgram } from '../../daemon/options/program-line.ts';
import {
  COUNT_MAX,
  DEBUG_HTTP,
  LOG_FILE,
  logRows,
  TIME_MS_MAX,
} from '../../daemon/options/server-rows.ts';
import { productLine, versionLine } from '../../daemon/version.ts';

/** Names of topics and channels take some 300 bytes each. */
const REGISTRATIONS = 1_000_000;
const PRODUCER_REGISTRATIONS = 200_000;
/** A registration may name a topic and a channel. */
const REGISTRATIONS_MIN = 2;

const time = lasting(0, TIME_MS_MAX);
const registrations = within(REGISTRATIONS_MIN, COUNT_MAX);

// biome-ignore format: a table is read row by row
const OPTIONS = {
  ...logRows('nsqlookupd'),
  logFile: LOG_FILE,

  tcpAddress: option(text, 'Network', 'tcp-address', '0.0.0.0:4160',
    '<host>:<port> or unix socket path to listen on for brokers', listenableAt(4160)),
  httpAddress: option(text, 'Network', 'http-address', '0.0.0.0:4161',
    '<host>:<port> or unix socket path to listen on for HTTP', listenableAt(4161)),
  broadcastAddress: option(text, 'Network', 'broadcast-address', new Derived((machine: Machine) => machine.hostname),
    'host name or address by which brokers reach this program over HTTP; the default is the host name'),
  debugHttp: DEBUG_HTTP,

  inactiveProducerTimeoutMs: option(duration, 'Brokers', 'inactive-producer-timeout', 300_000,
    'time after its last PING during which consumers find a broker', time),
  tombstoneLifetimeMs: option(duration, 'Brokers', 'tombstone-lifetime', 45_000,
    'time for which the tombstone of a topic hides a broker that still has the topic', time),

  maxConnections: option(integer, 'Bounds', 'max-connections', 0,
    'most connections, TCP and HTTP together; 0 means as many as the file descriptor limit allows',
    within(0, COUNT_MAX)),
  maxRegistrations: option(integer, 'Bounds', 'max-registrations', REGISTRATIONS,
    'most topics and channels in all; a broker that registers more is disconnected', registrations),
  maxProducerRegistrations: option(integer, 'Bounds', 'max-producer-registrations', PRODUCER_REGISTRATIONS,
    'most topics and channels of one broker; a broker that registers more is disconnected', registrations),
} as const;

type Table = typeof OPTIONS;

/** All options, complete and checked. */
export type LookupdOptions = OptionValues<Table>;

/** The table's rows with their names. */
export const LOOKUPD_OPTION_ROWS: OptionRows = rowsOf(OPTIONS);

const INTRODUCTION = `${productLine()}

Tells consumers which brokers have a topic: brokers register here, consumers ask here. It replaces nsqlookupd.

Usage:
  ringmq lookupd [flags]

Examples:
  ringmq lookupd
  ringmq lookupd --tcp-address=10.0.0.1:4160 --http-address=10.0.0.1:4161 --broadcast-address=10.0.0.1
  ringmq lookupd --config=/etc/nsqlookupd.cfg

  ringmq --lookupd-tcp-address=10.0.0.1:4160                 a broker that registers with it
  curl 'http://10.0.0.1:4161/lookup?topic=orders'            the brokers of a topic
  curl -N 'http://10.0.0.1:4161/watch?topic=orders'          the same, and every change as it happens

A configuration file sets the same options. Its keys are the names of the flags with "_" for "-". A flag overrides
the file.
`;

/** The program, for `parseProgramLine`. */
export const LOOKUPD_PROGRAM: ServerProgram<LookupdOptions> = {
  original: 'nsqlookupd',
  introduction: INTRODUCTION,
  versionLine: versionLine('nsqlookupd'),
  flagRows: rowsOf(SERVER_FLAGS),
  optionRows: LOOKUPD_OPTION_ROWS,
  otherKeys: [],
  complete: completeLookupdOptions,
  warnings: () => [],
};

/** Fills in defaults, and checks every value. */
export function completeLookupdOptions(
  given: ReadonlyMap<string, unknown>,
  machine: Machine,
): LookupdOptions | InvalidValue {
  const values = completeValues(LOOKUPD_OPTION_ROWS, given, machine);
  // Every row has set its name, to a value of its kind.
  return values instanceof InvalidValue ? values : (values as LookupdOptions);
}
