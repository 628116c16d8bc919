/**
 * All options of the broker in one table. Flags, configuration keys, usage, checks and the type of the complete
 * `Options` are derived from it.
 *
 * Units: an option whose name ends in `Ms` counts milliseconds, fractions allowed.
 * Thread: any.
 * Source: nsqd `Options`.
 */

import { NS_PER_MS } from '../../daemon/go/go-duration.ts';
import { parseListenAddress } from '../../daemon/listen-address.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import {
  anything,
  atLeast,
  lasting,
  listenable,
  listenableOrNone,
  oneOf,
  quantiles,
  within,
} from '../../daemon/options/option-checks.ts';
import {
  boolean,
  duration,
  integer,
  percentiles,
  portion,
  size,
  text,
  texts,
  tlsRequired,
  tlsVersion,
} from '../../daemon/options/option-kinds.ts';
import {
  asFlag,
  completeValues,
  Derived,
  type Machine,
  type Naming,
  type Option,
  type OptionRows,
  type OptionValues,
  option,
  rowsOf,
} from '../../daemon/options/option-table.ts';
import { SERVER_FLAGS } from '../../daemon/options/program-line.ts';
import { HTTP_ACCESS, LOG_FILE, logRows } from '../../daemon/options/server-rows.ts';
import { MESSAGE_BYTES_MAX } from '../../shared/limits.ts';
import { defaultNodeId } from './node-id.ts';

/** The shortest positive duration. */
const DURATION_MS_MIN = 1 / NS_PER_MS;
/** The longest delay of a timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** The longest delay of a message: delays are sent as 32-bit words. */
const DELAY_MS_MAX = 2 ** 32 - 1;
/** Counts are sent as 32-bit words, signed on the wire. */
const COUNT_MAX = 2 ** 31 - 1;
const PORT_MAX = 65535;
/** The largest datagram that fits an IPv4 packet. */
const DATAGRAM_BYTES_MAX = 65507;
const THREADS_MAX = 64;

const port = within(0, PORT_MAX);
const count = within(0, COUNT_MAX);
const positiveCount = within(1, COUNT_MAX);
const period = lasting(DURATION_MS_MIN, TIMER_MS_MAX);
const limit = lasting(0, TIMER_MS_MAX);
const delay = lasting(0, DELAY_MS_MAX);
const wait = lasting(DURATION_MS_MIN, DELAY_MS_MAX);
const threads = within(0, THREADS_MAX);
const nodeIdRange = within(0, 1023, '[0,1024)');
const deflateLevels = within(1, 9, '[1,9]');
/** Keeps this much of the disk free, so that metadata can be written and the broker can shut down cleanly. */
const MIN_FREE_DISK_BYTES = 16 * 1024 * 1024;
/** The rest is left to the system's cache of data files and to other programs. */
const MAX_MEMORY_PERCENT = 50;

/** Nearby consumers are served first. */
export const TOPOLOGY_EXPERIMENT = 'topology-aware-consumption';

/** Flags that are not options, or no longer have an effect. */
// biome-ignore format: a table is read row by row
export const PROGRAM_FLAGS = {
  ...SERVER_FLAGS,
  workerId: option(boolean, 'Deprecated', 'worker-id', false, 'no effect; see -node-id'),
} as const;

/** The options by their names in code. */
// biome-ignore format: a table is read row by row
const OPTIONS = {
  ...logRows('nsqd'),
  logFile: LOG_FILE,
  sigterm: option(text, 'Program', 'sigterm', 'shutdown',
    'what SIGTERM does: shutdown ends the broker, drain lets consumers empty its queues first',
    oneOf(['shutdown', 'drain'])),
  drainTimeoutMs: option(duration, 'Program', 'drain-timeout', 600_000,
    'longest time that a drain may take before the broker ends; 0 means no limit', limit),
  nodeId: option(integer, 'Program', 'node-id', new Derived(({ hostname }) => defaultNodeId(hostname)),
    'number of this broker in message ids, different on each broker; the default is a hash of the host name',
    nodeIdRange, 'id'),
  pumpThreads: option(integer, 'Program', 'pump-threads', 0,
    'number of pump threads, which hold topics and channels; 0 means one less than the available CPUs', threads),
  diskThreads: option(integer, 'Program', 'disk-threads', 1,
    'number of disk threads, which write and read the data files', within(1, THREADS_MAX)),
  maxMemory: option(portion, 'Program', 'max-memory', { kind: 'percent', percent: MAX_MEMORY_PERCENT },
    'memory limit of the broker, in bytes or percent of the memory of the machine or container; ' +
    'near the limit queues go to disk early; 0 means no limit'),

  tcpAddress: option(text, 'Network', 'tcp-address', '0.0.0.0:4150',
    '<host>:<port> or unix socket path to listen on for TCP clients', listenable),
  httpAddress: option(text, 'Network', 'http-address', '0.0.0.0:4151',
    '<host>:<port> or unix socket path to listen on for HTTP; empty disables HTTP', listenableOrNone),
  httpsAddress: option(text, 'Network', 'https-address', '0.0.0.0:4152',
    '<host>:<port> to listen on for HTTPS if there is a TLS certificate; empty disables HTTPS', listenableOrNone),
  sharedTcpPort: option(integer, 'Network', 'shared-tcp-port', 0,
    'port on the host of -tcp-address that this broker shares with others on this machine; the system divides new ' +
    'connections among them; 0 means none', port),
  sharedHttpPort: option(integer, 'Network', 'shared-http-port', 0,
    'the same on the host of -http-address', port),
  sharedHttpsPort: option(integer, 'Network', 'shared-https-port', 0,
    'the same on the host of -https-address, if there is a TLS certificate', port),
  debugHttp: option(text, 'Network', 'debug-http', 'loopback',
    'who may use /debug, which shows memory contents and can stall the broker: off, loopback or always',
    oneOf(HTTP_ACCESS)),
  configHttp: option(text, 'Network', 'config-http', 'always',
    'who may read and set options under /config: off, loopback or always', oneOf(HTTP_ACCESS)),
  httpAccess: option(text, 'Network', 'http-access', '',
    'file of the clients that may use the HTTP API, with their roles; empty lets every client use all of it'),
  ui: option(boolean, 'Network', 'ui', true,
    'serve a web page under /ui on the HTTP port, to watch and manage this broker'),
  broadcastAddress: option(text, 'Network', 'broadcast-address', new Derived((machine: Machine) => machine.hostname),
    'host name or address that this broker registers with nsqlookupd; the default is the host name'),
  broadcastTcpPort: option(integer, 'Network', 'broadcast-tcp-port', 0,
    'TCP port that this broker registers with nsqlookupd; 0 means the port that it listens on', port),
  broadcastHttpPort: option(integer, 'Network', 'broadcast-http-port', 0,
    'HTTP port that this broker registers with nsqlookupd; 0 means the port that it listens on', port),
  lookupdTcpAddress: option(texts, 'Network', 'lookupd-tcp-address', [],
    '<host>:<port> of an nsqlookupd to register with (may be given several times)',
    anything, 'nsqlookupd_tcp_addresses'),
  httpClientConnectTimeoutMs: option(duration, 'Network', 'http-client-connect-timeout', 2000,
    'timeout of HTTP connections to nsqlookupd and auth servers', limit),
  httpClientRequestTimeoutMs: option(duration, 'Network', 'http-client-request-timeout', 5000,
    'timeout of HTTP requests to nsqlookupd and auth servers', limit),
  topologyRegion: option(text, 'Network', 'topology-region', '',
    'region of this broker, for topology-aware consumption'),
  topologyZone: option(text, 'Network', 'topology-zone', '', 'zone of this broker, for topology-aware consumption'),

  dataPath: option(text, 'Storage', 'data-path', '',
    'existing directory for messages and metadata; the default is the current directory'),
  adoptOrphans: option(boolean, 'Storage', 'adopt-orphans', false,
    'create topics and channels for disk queues that nsqd.dat does not name, and deliver their messages'),
  memQueueSize: option(integer, 'Storage', 'mem-queue-size', 10_000,
    'messages that each topic and channel keeps in memory; more go to disk. With 0 every message is written to disk ' +
    'before the broker answers OK', count),
  maxBytesPerFile: option(integer, 'Storage', 'max-bytes-per-file', 104_857_600,
    'size in bytes at which a disk queue begins a new file', atLeast(1)),
  syncEvery: option(integer, 'Storage', 'sync-every', 2500,
    'records written, put back or finished after which a disk queue is synced', positiveCount),
  syncTimeoutMs: option(duration, 'Storage', 'sync-timeout', 2000,
    'time after which changes of a disk queue are synced', period),
  minFreeDisk: option(portion, 'Storage', 'min-free-disk', { kind: 'bytes', bytes: MIN_FREE_DISK_BYTES },
    'free space on the volume of -data-path, in bytes or percent, below which publishes are refused; ' +
    '0 means no limit'),
  maxDepth: option(integer, 'Storage', 'max-depth', 0,
    'most messages that may wait in a topic, and in each channel; 0 means no limit', count),
  maxBytes: option(size, 'Storage', 'max-bytes', 0,
    'most bytes of messages that may wait in a topic, and in each channel; 0 means no limit'),
  whenFull: option(text, 'Storage', 'when-full', 'reject',
    'what happens beyond -max-depth or -max-bytes: reject refuses the publish, drop-oldest drops the oldest message',
    oneOf(['reject', 'drop-oldest'])),
  natsUrl: option(text, 'Storage', 'nats-url', '',
    'addresses of NATS servers with JetStream, such as nats://a:4222,nats://b:4222, for topics whose policy has ' +
    'store=nats; empty means none', natsServers),
  natsPrefix: option(text, 'Storage', 'nats-prefix', 'ringmq',
    'first part of all names in JetStream; brokers with the same prefix share their topics', natsPrefix),
  natsCredentials: option(text, 'Storage', 'nats-credentials', '',
    'file with the NATS credentials of this broker; empty means none'),
  natsTlsCa: option(text, 'Storage', 'nats-tls-ca', '',
    'file of the authorities that sign the certificates of NATS servers, in PEM; empty means those of the machine'),
  natsTlsCert: option(text, 'Storage', 'nats-tls-cert', '',
    'TLS certificate file of this broker for NATS servers, in PEM; empty means none'),
  natsTlsKey: option(text, 'Storage', 'nats-tls-key', '', 'key file of that certificate, in PEM'),
  queueScanWorkerPoolMax: option(integer, 'Storage', 'queue-scan-worker-pool-max', 4,
    'no effect: timeouts are exact without scanning', count),
  queueScanSelectionCount: option(integer, 'Storage', 'queue-scan-selection-count', 20,
    'no effect: timeouts are exact without scanning', count),

  msgTimeoutMs: option(duration, 'Messages', 'msg-timeout', 60_000,
    'time that a consumer has to finish a message before it is delivered again', wait),
  maxMsgTimeoutMs: option(duration, 'Messages', 'max-msg-timeout', 900_000,
    'longest message timeout that a client may request', wait),
  maxMsgSize: option(integer, 'Messages', 'max-msg-size', 1_048_576,
    'largest message, in bytes', within(1, MESSAGE_BYTES_MAX)),
  maxReqTimeoutMs: option(duration, 'Messages', 'max-req-timeout', 3_600_000,
    'longest delay of a requeued or deferred message', delay),
  maxBodySize: option(integer, 'Messages', 'max-body-size', 5_242_880,
    'largest body of a command, in bytes', within(1, MESSAGE_BYTES_MAX)),

  maxConnections: option(integer, 'Clients', 'max-connections', 0,
    'most client connections, TCP and HTTP together; 0 means as many as the file descriptor limit allows',
    count),
  maxHeartbeatIntervalMs: option(duration, 'Clients', 'max-heartbeat-interval', 60_000,
    'longest heartbeat interval that a client may request', limit),
  maxRdyCount: option(integer, 'Clients', 'max-rdy-count', 2500,
    'largest RDY count that a client may set', positiveCount),
  maxOutputBufferSize: option(integer, 'Clients', 'max-output-buffer-size', 65_536,
    'largest output buffer that a client may request, in bytes', count),
  maxOutputBufferTimeoutMs: option(duration, 'Clients', 'max-output-buffer-timeout', 30_000,
    'longest output buffer timeout that a client may request', limit),
  minOutputBufferTimeoutMs: option(duration, 'Clients', 'min-output-buffer-timeout', 25,
    'shortest output buffer timeout that a client may request', limit),
  outputBufferTimeoutMs: option(duration, 'Clients', 'output-buffer-timeout', 250,
    'output buffer timeout of clients that request none', period),
  maxChannelConsumers: option(integer, 'Clients', 'max-channel-consumers', 0,
    'most consumers of one channel; 0 means no limit', count),
  authHttpAddress: option(texts, 'Clients', 'auth-http-address', [],
    '<host>:<port> or URL of an auth server, which decides what clients may do (may be given several times)',
    anything, 'auth_http_addresses'),
  authHttpRequestMethod: option(text, 'Clients', 'auth-http-request-method', 'get',
    'HTTP method of requests to auth servers: get or post', oneOf(['get', 'post'])),

  tcpAccess: option(boolean, 'Clients', 'tcp-access', false,
    'require AUTH or a certificate of TCP clients, checked with the file of -http-access instead of an auth server'),

  statsdAddress: option(text, 'Statistics', 'statsd-address', '',
    '<host>:<port> of a statsd, over UDP; empty means none'),
  statsdIntervalMs: option(duration, 'Statistics', 'statsd-interval', 60_000,
    'interval between reports to statsd', period),
  statsdMemStats: option(boolean, 'Statistics', 'statsd-mem-stats', true, 'report memory statistics to statsd'),
  statsdPrefix: option(text, 'Statistics', 'statsd-prefix', 'nsq.%s',
    'prefix of the names in statsd; %s is replaced by the host and port of this broker'),
  statsdUdpPacketSize: option(integer, 'Statistics', 'statsd-udp-packet-size', 508,
    'largest UDP datagram to statsd, in bytes', within(1, DATAGRAM_BYTES_MAX)),
  statsdExcludeEphemeral: option(boolean, 'Statistics', 'statsd-exclude-ephemeral', false,
    'do not report ephemeral topics and channels to statsd'),
  metricsTopicsMax: option(integer, 'Statistics', 'metrics-topics-max', 1000,
    'most topics, and most channels, that /metrics shows by name; the others are summed as "other"', count),
  e2eProcessingLatencyPercentile: option(percentiles, 'Statistics', 'e2e-processing-latency-percentile', [],
    'percentiles of the time from publish to finish, such as 1.0,0.99,0.95 (may be given several times)',
    quantiles, 'e2e_processing_latency_percentiles'),
  e2eProcessingLatencyWindowTimeMs: option(duration, 'Statistics', 'e2e-processing-latency-window-time', 600_000,
    'period that these percentiles cover', period),

  tlsCert: option(text, 'TLS', 'tls-cert', '', 'TLS certificate file, in PEM'),
  tlsKey: option(text, 'TLS', 'tls-key', '', 'TLS key file, in PEM'),
  tlsClientAuthPolicy: option(text, 'TLS', 'tls-client-auth-policy', '',
    'client certificates: require accepts any, require-verify accepts valid ones; empty asks for none',
    oneOf(['', 'require', 'require-verify'])),
  tlsRootCaFile: option(text, 'TLS', 'tls-root-ca-file', '',
    'file of the authorities that sign client certificates, in PEM'),
  tlsRequired: option(tlsRequired, 'TLS', 'tls-required', false,
    'refuse clients without TLS: true, false, or tcp-https to allow plain HTTP'),
  tlsMinVersion: option(tlsVersion, 'TLS', 'tls-min-version', 'tls1.0',
    'lowest TLS version: tls1.0, tls1.1, tls1.2 or tls1.3'),

  deflate: option(boolean, 'Compression', 'deflate', true, 'let clients request deflate'),
  maxDeflateLevel: option(integer, 'Compression', 'max-deflate-level', 6,
    'highest deflate level that a client may request; higher levels take more CPU time', deflateLevels),
  snappy: option(boolean, 'Compression', 'snappy', true, 'let clients request snappy'),

  enableExperiment: option(texts, 'Experiments', 'enable-experiment', [],
    `experiment to enable: ${TOPOLOGY_EXPERIMENT} (may be given several times)`),
} as const;

type Table = typeof OPTIONS;

/** All options, complete and checked. */
export type Options = OptionValues<Table>;

/** The options as an embedding program passes them. */
export type GivenOptions = {
  readonly [Name in keyof Table]?: Table[Name] extends Option<unknown, infer Given>
    ? Given | undefined
    : never;
};

/** The table's rows with their names. */
export const OPTION_ROWS: OptionRows = rowsOf(OPTIONS);

/**
 * Fills in defaults and checks every value, alone and in combination with the others.
 *
 * Shape: `given` is keyed by option name; values are as their kinds parse them.
 */
export function completeOptions(
  given: ReadonlyMap<string, unknown>,
  machine: Machine,
  naming: Naming = asFlag,
): Options | InvalidValue {
  const values = completeValues(OPTION_ROWS, given, machine, naming);
  if (values instanceof InvalidValue) return values;
  // Every row has set its name to a value of its kind.
  return settle(values as Options, machine, naming);
}

/** Applies the effects that options have on each other. */
function settle(options: Options, machine: Machine, naming: Naming): Options | InvalidValue {
  const hasCertificate = options.tlsCert !== '' && options.tlsKey !== '';
  if (!hasCertificate && (options.tlsCert !== '' || options.tlsKey !== '')) {
    const both = `${naming('tlsCert', OPTIONS.tlsCert)} and ${naming('tlsKey', OPTIONS.tlsKey)}`;
    const missing = options.tlsCert === '' ? 'tlsCert' : 'tlsKey';
    const why = `failed to build TLS config - ${both} must be given together`;
    return new InvalidValue(why, missing);
  }
  // An operator who asks for client certificates does not mean to admit clients without TLS.
  const isImplied = options.tlsClientAuthPolicy !== '' && options.tlsRequired === false;
  const required = isImplied ? true : options.tlsRequired;
  if (required !== false && !hasCertificate) {
    const why = 'cannot require TLS client connections without TLS key and cert';
    return new InvalidValue(why, isImplied ? 'tlsClientAuthPolicy' : 'tlsRequired');
  }
  const unshareable = sharedWithoutHost(options, naming);
  if (unshareable !== undefined) return unshareable;
  if (options.tcpAccess) {
    const access = naming('httpAccess', OPTIONS.httpAccess);
    const tcp = naming('tcpAccess', OPTIONS.tcpAccess);
    if (options.httpAccess === '') {
      return new InvalidValue(`${tcp} needs the file of ${access}`, 'tcpAccess');
    }
    if (options.authHttpAddress.length > 0) {
      const servers = naming('authHttpAddress', OPTIONS.authHttpAddress);
      return new InvalidValue(`${tcp} replaces ${servers}: give only one of them`, 'tcpAccess');
    }
  }
  if ((options.natsTlsCert === '') !== (options.natsTlsKey === '')) {
    const both = `${naming('natsTlsCert', OPTIONS.natsTlsCert)} and ${naming('natsTlsKey', OPTIONS.natsTlsKey)}`;
    const missing = options.natsTlsCert === '' ? 'natsTlsCert' : 'natsTlsKey';
    return new InvalidValue(`${both} must be given together`, missing);
  }
  const pumpThreads = options.pumpThreads === 0 ? pumpThreadsOf(machine) : options.pumpThreads;
  return { ...options, tlsRequired: required, pumpThreads };
}

/** A shared port is on the host of an address, so that the same rules apply to both ports. */
function sharedWithoutHost(options: Options, naming: Naming): InvalidValue | undefined {
  const pairs = [
    ['sharedTcpPort', 'tcpAddress'],
    ['sharedHttpPort', 'httpAddress'],
    ['sharedHttpsPort', 'httpsAddress'],
  ] as const;
  for (const [shared, own] of pairs) {
    const address = parseListenAddress(options[own]);
    const hasHost = !(address instanceof InvalidValue) && 'host' in address;
    if (options[shared] === 0 || hasHost) continue;
    const [option, other] = [naming(shared, OPTIONS[shared]), naming(own, OPTIONS[own])];
    return new InvalidValue(`${option} needs a host and a port as ${other}`, shared);
  }
  return undefined;
}

/** Credentials are in a file, not in addresses that /config shows. */
function natsServers(value: string, name: string): string | undefined {
  const isAddress = (text: string): boolean => /^(nats|tls):\/\/[^\s,@]+$/.test(text);
  if (value === '' || value.split(',').every(isAddress)) return undefined;
  return `${name} must be such as nats://a:4222,nats://b:4222, without users`;
}

/** Valid in the names of NATS streams, subjects and buckets. */
function natsPrefix(value: string, name: string): string | undefined {
  if (/^[a-zA-Z0-9_-]{1,32}$/.test(value)) return undefined;
  return `${name} must be 1 to 32 letters, digits, "_" or "-", not ${JSON.stringify(value)}`;
}

/** One processor is reserved for the main thread. */
function pumpThreadsOf(machine: Machine): number {
  return Math.min(Math.max(machine.parallelism - 1, 1), THREADS_MAX);
}
