import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration } from '../../../../src/daemon/go/go-duration.ts';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { duration } from '../../../../src/daemon/options/option-kinds.ts';
import { initialValue } from '../../../../src/daemon/options/option-table.ts';
import {
  completeOptions,
  OPTION_ROWS,
  type Options,
  PROGRAM_FLAGS,
} from '../../../../src/main/options/options.ts';
import { MESSAGE_BYTES_MAX } from '../../../../src/shared/limits.ts';

const MACHINE = { hostname: 'broker-1', parallelism: 8 };
const CERTIFICATE = { tlsCert: 'server.pem', tlsKey: 'server.key' };

/** Flag, default as the usage spells it, key. */
const SPECIFIED: readonly (readonly [string, string, string?])[] = [
  ['log-level', 'info'],
  ['log-prefix', '"[nsqd] "'],
  ['node-id', '937', 'id'],
  ['tcp-address', '"0.0.0.0:4150"'],
  ['http-address', '"0.0.0.0:4151"'],
  ['https-address', '"0.0.0.0:4152"'],
  ['debug-http', '"loopback"'],
  ['config-http', '"always"'],
  ['broadcast-address', '"broker-1"'],
  ['broadcast-tcp-port', '0'],
  ['broadcast-http-port', '0'],
  ['lookupd-tcp-address', '', 'nsqlookupd_tcp_addresses'],
  ['auth-http-address', '', 'auth_http_addresses'],
  ['auth-http-request-method', '"get"'],
  ['http-client-connect-timeout', '2s'],
  ['http-client-request-timeout', '5s'],
  ['topology-region', '""'],
  ['topology-zone', '""'],
  ['data-path', '""'],
  ['mem-queue-size', '10000'],
  ['max-bytes-per-file', '104857600'],
  ['sync-every', '2500'],
  ['sync-timeout', '2s'],
  ['queue-scan-worker-pool-max', '4'],
  ['queue-scan-selection-count', '20'],
  ['msg-timeout', '1m0s'],
  ['max-msg-timeout', '15m0s'],
  ['max-msg-size', '1048576'],
  ['max-req-timeout', '1h0m0s'],
  ['max-body-size', '5242880'],
  ['max-heartbeat-interval', '1m0s'],
  ['max-rdy-count', '2500'],
  ['max-output-buffer-size', '65536'],
  ['max-output-buffer-timeout', '30s'],
  ['min-output-buffer-timeout', '25ms'],
  ['output-buffer-timeout', '250ms'],
  ['max-channel-consumers', '0'],
  ['statsd-address', '""'],
  ['statsd-interval', '1m0s'],
  ['statsd-mem-stats', 'true'],
  ['statsd-prefix', '"nsq.%s"'],
  ['statsd-udp-packet-size', '508'],
  ['statsd-exclude-ephemeral', 'false'],
  ['e2e-processing-latency-percentile', '', 'e2e_processing_latency_percentiles'],
  ['e2e-processing-latency-window-time', '10m0s'],
  ['tls-cert', '""'],
  ['tls-key', '""'],
  ['tls-client-auth-policy', '""'],
  ['tls-root-ca-file', '""'],
  ['tls-required', 'false'],
  ['tls-min-version', 'tls1.0'],
  ['deflate', 'true'],
  ['max-deflate-level', '6'],
  ['snappy', 'true'],
  ['enable-experiment', ''],
  ['pump-threads', '0'],
  ['disk-threads', '1'],
  ['max-memory', '50%'],
  ['min-free-disk', '16MiB'],
  ['adopt-orphans', 'false'],
  ['max-depth', '0'],
  ['max-bytes', '0'],
  ['when-full', '"reject"'],
  ['nats-url', '""'],
  ['nats-prefix', '"ringmq"'],
  ['nats-credentials', '""'],
  ['nats-tls-ca', '""'],
  ['nats-tls-cert', '""'],
  ['nats-tls-key', '""'],
  ['max-connections', '0'],
  ['metrics-topics-max', '1000'],
  ['ui', 'true'],
  ['log-format', '"text"'],
  ['log-file', '""'],
  ['sigterm', '"shutdown"'],
  ['drain-timeout', '10m0s'],
  ['http-access', '""'],
  ['shared-tcp-port', '0'],
  ['shared-http-port', '0'],
  ['shared-https-port', '0'],
  ['tcp-access', 'false'],
];

for (const [flag, spelled, key = flag.replaceAll('-', '_')] of SPECIFIED) {
  test(`OPTIONS: -${flag} has its default and its key`, () => {
    const row = [...OPTION_ROWS.values()].find((candidate) => candidate.flag === flag);

    assert.equal(row?.kind.spell(initialValue(row, MACHINE)), spelled);
    assert.equal(row?.key, key);
  });
}

test('OPTIONS: there are no others', () => {
  const flags = [...OPTION_ROWS.values()].map(({ flag }) => flag);

  assert.deepEqual(flags.toSorted(), SPECIFIED.map(([flag]) => flag).toSorted());
});

test('OPTIONS: every name is its flag in camelCase, with the unit of a time', () => {
  for (const [name, { flag, kind }] of OPTION_ROWS) {
    const camelCase = flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    assert.equal(name, Object.is(kind, duration) ? `${camelCase}Ms` : camelCase);
  }
});

test('OPTIONS: every row says what it is for', () => {
  for (const { flag, help, group } of [...OPTION_ROWS.values(), ...Object.values(PROGRAM_FLAGS)]) {
    assert.ok(help.length > 10 && group.length > 2, flag);
  }
});

test('completeOptions: all defaults are values that may be given', () => {
  const defaults = complete({});
  const again = completeOptions(new Map(Object.entries(defaults)), MACHINE);

  assert.deepEqual(again, defaults);
});

test('completeOptions: given values replace defaults', () => {
  const options = complete({ memQueueSize: 0, msgTimeoutMs: 1500.5, lookupdTcpAddress: ['a:1'] });

  assert.equal(options.memQueueSize, 0);
  assert.equal(options.msgTimeoutMs, 1500.5);
  assert.deepEqual(options.lookupdTcpAddress, ['a:1']);
});

for (const [parallelism, given, threads] of [
  [1, 0, 1],
  [2, 0, 1],
  [8, 0, 7],
  [256, 0, 64],
  [8, 3, 3],
]) {
  test(`completeOptions: ${given} pump threads on ${parallelism} processors are ${threads}`, () => {
    const options = completeOptions(new Map([['pumpThreads', given]]), { ...MACHINE, parallelism });

    assert.ok(!(options instanceof InvalidValue));
    assert.equal(options.pumpThreads, threads);
  });
}

const REFUSED: readonly (readonly [Partial<Options>, string])[] = [
  [{ nodeId: -1 }, '--node-id must be [0,1024)'],
  [{ nodeId: 1024 }, '--node-id must be [0,1024)'],
  [
    { sharedTcpPort: 4150, tcpAddress: '/run/q.sock' },
    '--shared-tcp-port needs a host and a port as --tcp-address',
  ],
  [
    { sharedHttpPort: 4151, httpAddress: '' },
    '--shared-http-port needs a host and a port as --http-address',
  ],
  [{ maxDeflateLevel: 0 }, '--max-deflate-level must be [1,9]'],
  [{ maxDeflateLevel: 10 }, '--max-deflate-level must be [1,9]'],
  [
    { e2eProcessingLatencyPercentile: [1.5] },
    'invalid E2E processing latency percentile: 1.5, must be above 0 and at most 1, such as 0.99',
  ],
  [
    { e2eProcessingLatencyPercentile: [0.9, 0] },
    'invalid E2E processing latency percentile: 0, must be above 0 and at most 1, such as 0.99',
  ],
  [
    { authHttpRequestMethod: 'put' },
    '--auth-http-request-method must be one of get, post, not "put"',
  ],
  [
    { tlsClientAuthPolicy: 'require_verify' },
    '--tls-client-auth-policy must be one of require, require-verify, not "require_verify"; did you mean require-verify?',
  ],
  [
    { tcpAddress: '17150' },
    '--tcp-address "17150" has no port; write <host>:<port> such as 127.0.0.1:4150, or the path of a unix socket with a slash in it',
  ],
  [
    { tcpAddress: '' },
    '--tcp-address "" is empty; write <host>:<port> such as 127.0.0.1:4150, or the path of a unix socket with a slash in it',
  ],
  [
    { httpAddress: 'localhost:415O' },
    '--http-address "localhost:415O" has a port that is not a number, "415O"; write <host>:<port> such as 127.0.0.1:4150, or the path of a unix socket with a slash in it',
  ],
  [
    { httpsAddress: '127.0.0.1:99999' },
    '--https-address "127.0.0.1:99999" has port 99999, and the highest is 65535; write <host>:<port> such as 127.0.0.1:4150, or the path of a unix socket with a slash in it',
  ],
  [{ memQueueSize: -1 }, '--mem-queue-size must be [0,2147483647], not -1'],
  [{ maxBytesPerFile: 0 }, '--max-bytes-per-file must be at least 1, not 0'],
  [{ syncEvery: 0 }, '--sync-every must be [1,2147483647], not 0'],
  [{ syncTimeoutMs: 0 }, '--sync-timeout must be [1ns,596h31m23.647s], not 0s'],
  [{ msgTimeoutMs: 0 }, '--msg-timeout must be [1ns,1193h2m47.295s], not 0s'],
  [
    { maxReqTimeoutMs: 2 ** 32 },
    '--max-req-timeout must be [0s,1193h2m47.295s], not 1193h2m47.296s',
  ],
  [{ tcpAccess: true }, '--tcp-access needs the file of --http-access'],
  [
    { tcpAccess: true, httpAccess: 'a.toml', authHttpAddress: ['127.0.0.1:1'] },
    '--tcp-access replaces --auth-http-address: give only one of them',
  ],
  [{ maxMsgSize: 0 }, `--max-msg-size must be [1,${MESSAGE_BYTES_MAX}], not 0`],
  [
    { maxMsgSize: MESSAGE_BYTES_MAX + 1 },
    `--max-msg-size must be [1,${MESSAGE_BYTES_MAX}], not ${MESSAGE_BYTES_MAX + 1}`,
  ],
  [
    { maxBodySize: MESSAGE_BYTES_MAX + 1 },
    `--max-body-size must be [1,${MESSAGE_BYTES_MAX}], not ${MESSAGE_BYTES_MAX + 1}`,
  ],
  [{ maxRdyCount: 0 }, '--max-rdy-count must be [1,2147483647], not 0'],
  [{ outputBufferTimeoutMs: 0 }, '--output-buffer-timeout must be [1ns,596h31m23.647s], not 0s'],
  [{ statsdIntervalMs: -1000 }, '--statsd-interval must be [1ns,596h31m23.647s], not -1s'],
  [{ statsdUdpPacketSize: 70_000 }, '--statsd-udp-packet-size must be [1,65507], not 70000'],
  [{ broadcastTcpPort: 65_536 }, '--broadcast-tcp-port must be [0,65535], not 65536'],
  [{ maxConnections: -1 }, '--max-connections must be [0,2147483647], not -1'],
  [{ maxDepth: -1 }, '--max-depth must be [0,2147483647], not -1'],
  [
    { whenFull: 'drop' },
    '--when-full must be one of reject, drop-oldest, not "drop"; did you mean drop-oldest?',
  ],
  [{ pumpThreads: 65 }, '--pump-threads must be [0,64], not 65'],
  [{ diskThreads: 0 }, '--disk-threads must be [1,64], not 0'],
  [
    { tlsCert: 'a' },
    'failed to build TLS config - --tls-cert and --tls-key must be given together',
  ],
  [{ tlsKey: 'a' }, 'failed to build TLS config - --tls-cert and --tls-key must be given together'],
  [{ tlsRequired: true }, 'cannot require TLS client connections without TLS key and cert'],
  [{ tlsRequired: 'tcp-https' }, 'cannot require TLS client connections without TLS key and cert'],
  [
    { tlsClientAuthPolicy: 'require' },
    'cannot require TLS client connections without TLS key and cert',
  ],
];

for (const [given, why] of REFUSED) {
  test(`completeOptions: refuses ${JSON.stringify(given)}`, () => {
    const missing: Readonly<Record<string, string>> = { tlsCert: 'tlsKey', tlsKey: 'tlsCert' };
    const [name] = Object.keys(given);
    assert.deepEqual(
      completeOptions(new Map(Object.entries(given)), MACHINE),
      new InvalidValue(why, missing[name] ?? name),
    );
  });
}

const BOUNDS: readonly Partial<Options>[] = [
  { nodeId: 0 },
  { nodeId: 1023 },
  { maxDeflateLevel: 1 },
  { maxDeflateLevel: 9 },
  { e2eProcessingLatencyPercentile: [1, 0.0001] },
  { authHttpRequestMethod: 'post' },
  { maxMsgSize: MESSAGE_BYTES_MAX },
  { maxReqTimeoutMs: 0 },
  { maxReqTimeoutMs: 2 ** 32 - 1 },
  { msgTimeoutMs: 0.000001 },
  { diskThreads: 64 },
  { whenFull: 'drop-oldest' },
  { maxMemory: { kind: 'percent', percent: 100 } },
];

for (const given of BOUNDS) {
  test(`completeOptions: accepts ${JSON.stringify(given)}`, () => {
    assert.ok(!(completeOptions(new Map(Object.entries(given)), MACHINE) instanceof InvalidValue));
  });
}

for (const [given, required] of [
  [{}, false],
  [{ tlsRequired: 'tcp-https' }, 'tcp-https'],
  [{ tlsClientAuthPolicy: 'require' }, true],
  [{ tlsClientAuthPolicy: 'require-verify' }, true],
  [{ tlsClientAuthPolicy: 'require', tlsRequired: 'tcp-https' }, 'tcp-https'],
] as const) {
  test(`completeOptions: with ${JSON.stringify(given)} TLS is required: ${required}`, () => {
    assert.equal(complete({ ...CERTIFICATE, ...given }).tlsRequired, required);
  });
}

test('OPTIONS: bounds of durations are spelled as they can be typed', () => {
  assert.equal(formatDuration((2 ** 32 - 1) * 1e6), '1193h2m47.295s');
});

function complete(given: Partial<Options>): Options {
  const options = completeOptions(new Map(Object.entries(given)), MACHINE);
  assert.ok(!(options instanceof InvalidValue), options instanceof InvalidValue ? options.why : '');
  return options;
}

test('completeOptions: addresses of NATS servers have a scheme and no users, certificates have keys', () => {
  for (const [given, why] of [
    [{ natsUrl: 'nats://a:4222,tls://b' }, undefined],
    [{ natsUrl: 'a:4222' }, /^--nats-url must be such as nats:/],
    [{ natsUrl: 'nats://u:p@a' }, /without users$/],
    [{ natsPrefix: 'a.b' }, /^--nats-prefix must be 1 to 32 letters/],
    [{ natsTlsCert: 'x' }, /--nats-tls-cert and --nats-tls-key must be given together$/],
  ] as const) {
    const options = completeOptions(new Map(Object.entries(given)), MACHINE);

    if (why === undefined) assert.ok(!(options instanceof InvalidValue));
    else assert.match(options instanceof InvalidValue ? options.why : '', why);
  }
});
