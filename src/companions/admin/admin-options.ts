/**
 * Every option of `ringmq admin`: one table, from which flags, configuration keys, usage, checks and the type of the
 * complete options follow.
 *
 * Units: an option whose name ends in `Ms` counts milliseconds, fractions allowed.
 * Thread: any.
 * Source: nsqadmin `Options`; `--page-host`, `--max-connections`, `--debug-http`, `--log-format` and `--log-file`
 * are ours.
 */

import { cleanPath } from '../../daemon/http/router.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { lasting, listenableAt, within } from '../../daemon/options/option-checks.ts';
import { boolean, duration, integer, text, texts } from '../../daemon/options/option-kinds.ts';
import {
  completeValues,
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
import { clientTlsMistake } from '../client-tls.ts';

const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

const time = lasting(0, TIME_MS_MAX);

// biome-ignore format: a table is read row by row
const OPTIONS = {
  ...logRows('nsqadmin'),
  logFile: LOG_FILE,

  httpAddress: option(text, 'Network', 'http-address', '0.0.0.0:4171',
    '<host>:<port> or unix socket path to listen on for HTTP', listenableAt(4171)),
  basePath: option(text, 'Network', 'base-path', '/', 'path in front of all paths, for a proxy that shares its host'),
  pageHost: option(texts, 'Network', 'page-host', [],
    'host name by which browsers reach this program through a proxy; may be given several times'),
  maxConnections: option(integer, 'Network', 'max-connections', 0,
    'most HTTP connections; 0 means as many as the file descriptor limit allows', within(0, COUNT_MAX)),
  debugHttp: DEBUG_HTTP,
  devStaticDir: option(text, 'Network', 'dev-static-dir', '',
    'no effect; nsqadmin reads the files of its page from there'),

  lookupdHttpAddress: option(texts, 'Brokers', 'lookupd-http-address', [],
    '<host>:<port> of an nsqlookupd over HTTP; may be given several times', undefined, 'nsqlookupd_http_addresses'),
  nsqdHttpAddress: option(texts, 'Brokers', 'nsqd-http-address', [],
    '<host>:<port> of a broker over HTTP, instead of nsqlookupds; may be given several times', undefined,
    'nsqd_http_addresses'),
  httpClientConnectTimeoutMs: option(duration, 'Brokers', 'http-client-connect-timeout', 2 * SECOND_MS,
    'timeout of connections to brokers and nsqlookupds', time),
  httpClientRequestTimeoutMs: option(duration, 'Brokers', 'http-client-request-timeout', 5 * SECOND_MS,
    'timeout of requests to them', time),
  httpClientTlsInsecureSkipVerify: option(boolean, 'Brokers', 'http-client-tls-insecure-skip-verify', false,
    'accept every certificate of a broker that requires https'),
  httpClientTlsRootCaFile: option(text, 'Brokers', 'http-client-tls-root-ca-file', '',
    'file with the authorities, in PEM, that verify such certificates'),
  httpClientTlsCert: option(text, 'Brokers', 'http-client-tls-cert', '',
    'file with the client certificate, in PEM, for such a broker'),
  httpClientTlsKey: option(text, 'Brokers', 'http-client-tls-key', '', 'file with its private key, in PEM'),

  aclHttpHeader: option(text, 'Users', 'acl-http-header', 'X-Forwarded-User',
    'header in which an authenticating proxy names the user'),
  adminUser: option(texts, 'Users', 'admin-user', [],
    'user who may make changes; may be given several times; without any, every user may', undefined, 'admin_users'),
  allowConfigFromCidr: option(text, 'Users', 'allow-config-from-cidr', '127.0.0.1/8',
    'addresses that may use /config; empty for all'),
  notificationHttpEndpoint: option(text, 'Users', 'notification-http-endpoint', '',
    'URL to which each action of an admin is POSTed as JSON'),

  graphiteUrl: option(text, 'Graphite', 'graphite-url', '', 'URL of graphite, for rates and graphs'),
  proxyGraphite: option(boolean, 'Graphite', 'proxy-graphite', false,
    'pass requests for /render on to graphite, for browsers that cannot reach it'),
  statsdCounterFormat: option(text, 'Graphite', 'statsd-counter-format', 'stats.counters.%s.count',
    'name that statsd gives a counter; empty for its own name'),
  statsdGaugeFormat: option(text, 'Graphite', 'statsd-gauge-format', 'stats.gauges.%s',
    'name that statsd gives a gauge; empty for its own name'),
  statsdPrefix: option(text, 'Graphite', 'statsd-prefix', 'nsq.%s',
    'prefix of the names that brokers send, which must be the same there; %s stands for the broker'),
  statsdIntervalMs: option(duration, 'Graphite', 'statsd-interval', MINUTE_MS,
    'interval at which brokers send to statsd, which must be the same there', lasting(SECOND_MS, TIME_MS_MAX)),
} as const;

type Table = typeof OPTIONS;

/** All options, complete and checked. */
export type AdminOptions = OptionValues<Table>;

/** The table's rows with their names. */
export const ADMIN_OPTION_ROWS: OptionRows = rowsOf(OPTIONS);

const INTRODUCTION = `${productLine()}

Shows and manages many brokers together, with the HTTP API of nsqadmin.

Usage:
  ringmq admin [flags]

Examples:
  ringmq admin --lookupd-http-address=10.0.0.1:4161 --lookupd-http-address=10.0.0.2:4161
  ringmq admin --nsqd-http-address=10.0.0.3:4151 --nsqd-http-address=10.0.0.4:4151
  ringmq admin --config=/etc/nsqadmin.cfg --http-address=127.0.0.1:4171 --page-host=admin.example.com
  ringmq admin --lookupd-http-address=10.0.0.1:4161 --admin-user=alice --admin-user=bob

  curl http://10.0.0.5:4171/api/topics/orders                             a topic, summed over all brokers
  curl -d '{"action":"pause"}' http://10.0.0.5:4171/api/topics/orders     pause it on all of them

A configuration file sets the same options. Its keys are the names of the flags with "_" for "-", except
nsqlookupd_http_addresses, nsqd_http_addresses and admin_users. A flag overrides the file.
`;

/** The program, for `parseProgramLine`. */
export const ADMIN_PROGRAM: ServerProgram<AdminOptions> = {
  original: 'nsqadmin',
  introduction: INTRODUCTION,
  versionLine: versionLine('nsqadmin'),
  flagRows: rowsOf(SERVER_FLAGS),
  optionRows: ADMIN_OPTION_ROWS,
  otherKeys: [],
  complete: completeAdminOptions,
  warnings: optionWarnings,
};

/** URLs that nothing can be fetched from; nsqadmin accepts them, too. */
function optionWarnings({ graphiteUrl, notificationHttpEndpoint }: AdminOptions): string[] {
  const urls = [
    ['--graphite-url', graphiteUrl, 'graphs and rates'],
    ['--notification-http-endpoint', notificationHttpEndpoint, 'notifications'],
  ] as const;
  return urls
    .filter(([, url]) => url !== '' && !/^https?:\/\/./.test(url))
    .map(([flag, url, what]) => {
      return `${flag} ${JSON.stringify(url)} is not a URL such as http://10.0.0.6:8080, so there are no ${what}`;
    });
}

/** Fills in defaults, and checks every value and what must agree. */
export function completeAdminOptions(
  given: ReadonlyMap<string, unknown>,
  machine: Machine,
): AdminOptions | InvalidValue {
  const values = completeValues(ADMIN_OPTION_ROWS, given, machine);
  if (values instanceof InvalidValue) return values;
  // Every row has set its name, to a value of its kind.
  const options = values as AdminOptions;
  const wrong = disagreement(options);
  if (wrong !== undefined) return new InvalidValue(wrong);
  return { ...options, basePath: cleanPath(`/${options.basePath}`).replace(/(.)\/$/, '$1') };
}

/** Source: nsqadmin `New`. */
function disagreement(options: AdminOptions): string | undefined {
  const { lookupdHttpAddress: lookupd, nsqdHttpAddress: nsqd } = options;
  if (lookupd.length === 0 && nsqd.length === 0) {
    return '--nsqd-http-address or --lookupd-http-address required';
  }
  if (lookupd.length > 0 && nsqd.length > 0) {
    return 'use --nsqd-http-address or --lookupd-http-address not both';
  }
  return clientTlsMistake(options);
}
