import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfigFile } from '../../../../src/daemon/options/config-file.ts';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import type { Portion } from '../../../../src/daemon/options/portion.ts';
import { OPTION_ROWS } from '../../../../src/main/options/options.ts';

function bytes(count: number): Portion {
  return { kind: 'bytes', bytes: count };
}

const READ: readonly (readonly [string, Record<string, unknown>])[] = [
  ['', {}],
  ['# nothing\n', {}],
  ['data_path = "/data"', { dataPath: '/data' }],
  ['tcp_address = ""', { tcpAddress: '' }],
  ['mem_queue_size = 21', { memQueueSize: 21 }],
  ['mem_queue_size = "21"', { memQueueSize: 21 }],
  ['mem_queue_size = "010"', { memQueueSize: 10 }],
  ['mem_queue_size = 1_000', { memQueueSize: 1000 }],
  ['id = 9', { nodeId: 9 }],
  ['msg_timeout = "45s"', { msgTimeoutMs: 45_000 }],
  ['msg_timeout = 1500', { msgTimeoutMs: 1500 }],
  ['sync_timeout = "1.5ms"', { syncTimeoutMs: 1.5 }],
  ['snappy = false', { snappy: false }],
  ['snappy = "F"', { snappy: false }],
  ['nsqlookupd_tcp_addresses = ["a:1", "b:2"]', { lookupdTcpAddress: ['a:1', 'b:2'] }],
  ['nsqlookupd_tcp_addresses = "a:1, b:2"', { lookupdTcpAddress: ['a:1', ' b:2'] }],
  ['nsqlookupd_tcp_addresses = []', { lookupdTcpAddress: [] }],
  [
    'e2e_processing_latency_percentiles = [0.5, 0.95]',
    { e2eProcessingLatencyPercentile: [0.5, 0.95] },
  ],
  ['e2e_processing_latency_percentiles = [1]', { e2eProcessingLatencyPercentile: [1] }],
  [
    'e2e_processing_latency_percentiles = "0.5,0.95"',
    { e2eProcessingLatencyPercentile: [0.5, 0.95] },
  ],
  ['log_level = "WARN"', { logLevel: 'warn' }],
  ['tls_required = true', { tlsRequired: true }],
  ['tls_required = "false"', { tlsRequired: false }],
  ['tls_required = "tcp-https"', { tlsRequired: 'tcp-https' }],
  ['tls_min_version = "tls1.2"', { tlsMinVersion: 'tls1.2' }],
  ['max_bytes = 1000\nmin_free_disk = 0', { maxBytes: 1000, minFreeDisk: bytes(0) }],
  ['max_bytes = "1GiB"', { maxBytes: 2 ** 30 }],
  ['min_free_disk = "5%"', { minFreeDisk: { kind: 'percent', percent: 5 } }],
  ['max_memory = "2GB"', { maxMemory: bytes(2e9) }],
  ['tls_min_version = ""', { tlsMinVersion: 'tls1.0' }],
  ['pump_threads = 2\ndisk_threads = 3', { pumpThreads: 2, diskThreads: 3 }],
  // No option has these keys.
  [
    'no_such = 1\nnode_id = "x"\nlookupd_tcp_address = 1\nconfig = 1\nversion = 1\nverbose = 1\nworker_id = 1',
    {},
  ],
  ['"msg-timeout" = 5', {}],
  ['[nsqd]\nmem_queue_size = 21', {}],
  ['__proto__ = 1\nconstructor = 2', {}],
];

for (const [toml, values] of READ) {
  test(`parseConfigFile: reads ${JSON.stringify(toml)}`, () => {
    const file = parseConfigFile(toml, OPTION_ROWS);

    assert.ok(!(file instanceof InvalidValue), JSON.stringify(file));
    assert.deepEqual(file.values, new Map(Object.entries(values)));
  });
}

const SIZES = 'must be bytes, such as 1048576, 16MiB or 1.5GB';
const REFUSED: readonly (readonly [string, string])[] = [
  ['data_path = 5', 'invalid value 5 for data_path: must be a string'],
  ['mem_queue_size = 1.0', 'invalid value 1 for mem_queue_size: must be an integer'],
  ['mem_queue_size = true', 'invalid value true for mem_queue_size: must be an integer'],
  ['mem_queue_size = "many"', 'invalid value "many" for mem_queue_size: must be an integer'],
  [
    'mem_queue_size = "9007199254740993"',
    'invalid value "9007199254740993" for mem_queue_size: value out of range',
  ],
  [
    'msg_timeout = "soon"',
    'invalid value "soon" for msg_timeout: invalid duration; write for example 60s, 250ms or 1m30s',
  ],
  [
    'msg_timeout = "5000"',
    'invalid value "5000" for msg_timeout: missing unit in duration, as in 5000s',
  ],
  [
    'msg_timeout = 5.5',
    'invalid value 5.5 for msg_timeout: must be a duration such as "250ms", or an integer number of milliseconds',
  ],
  [
    'msg_timeout = 9999999999999',
    'invalid value 9999999999999 for msg_timeout: duration is longer than 104 days',
  ],
  [
    'max_bytes = 1.5',
    'invalid value 1.5 for max_bytes: must be a size such as "16MiB", or an integer number of bytes',
  ],
  ['max_bytes = "5%"', `invalid value "5%" for max_bytes: ${SIZES}`],
  [
    'min_free_disk = -1',
    `invalid value -1 for min_free_disk: ${SIZES}, or a percentage such as 10%`,
  ],
  ['snappy = 0', 'invalid value 0 for snappy: must be true or false'],
  ['snappy = "maybe"', 'invalid value "maybe" for snappy: parse error, must be true or false'],
  [
    'auth_http_addresses = [1]',
    'invalid value [1] for auth_http_addresses: must be an array of strings, or one string with commas',
  ],
  [
    'auth_http_addresses = { a = 1 }',
    'invalid value {"a":1} for auth_http_addresses: must be an array of strings, or one string with commas',
  ],
  [
    'e2e_processing_latency_percentiles = ["0.5"]',
    'invalid value ["0.5"] for e2e_processing_latency_percentiles: must be an array of floats, or one string with commas',
  ],
  [
    'e2e_processing_latency_percentiles = "x"',
    'invalid value "x" for e2e_processing_latency_percentiles: parse error, must be numbers such as 0.99, with commas between them',
  ],
  [
    'e2e_processing_latency_percentiles = [nan]',
    'invalid value [null] for e2e_processing_latency_percentiles: parse error, must be numbers such as 0.99, with commas between them',
  ],
  [
    'log_level = "shout"',
    'invalid value "shout" for log_level: must be one of debug, info, warn, error, fatal',
  ],
  [
    'log_level = "warning"',
    'invalid value "warning" for log_level: must be one of debug, info, warn, error, fatal; did you mean warn?',
  ],
  ['mem_queue_size = inf', 'invalid value Infinity for mem_queue_size: must be an integer'],
  [
    'mem_queue_size = 9223372036854775807',
    'invalid value 9223372036854775807 for mem_queue_size: value out of range',
  ],
  [
    'tls_min_version = "TLSv1.2"',
    'invalid value "TLSv1.2" for tls_min_version: must be one of tls1.0, tls1.1, tls1.2, tls1.3; did you mean tls1.2?',
  ],
  [
    'tls_min_version = "1.3"',
    'invalid value "1.3" for tls_min_version: must be one of tls1.0, tls1.1, tls1.2, tls1.3; did you mean tls1.3?',
  ],
  [
    'tls_min_version = "tls1.4"',
    'invalid value "tls1.4" for tls_min_version: must be one of tls1.0, tls1.1, tls1.2, tls1.3',
  ],
  ['log_level = 1', 'invalid value 1 for log_level: must be a string'],
  ['tls_required = 1', 'invalid value 1 for tls_required: must be true, false or "tcp-https"'],
  ['tls_required = "x"', 'invalid value "x" for tls_required: must be true, false or tcp-https'],
  [
    'tls_min_version = "ssl3.0"',
    'invalid value "ssl3.0" for tls_min_version: must be one of tls1.0, tls1.1, tls1.2, tls1.3',
  ],
  ['tls_min_version = 1.2', 'invalid value 1.2 for tls_min_version: must be a string'],
];

for (const [toml, why] of REFUSED) {
  test(`parseConfigFile: refuses ${JSON.stringify(toml)}`, () => {
    assert.deepEqual(parseConfigFile(toml, OPTION_ROWS), new InvalidValue(`line 1: ${why}`));
  });
}

for (const toml of ['this is = = not toml', 'a = 1\na = 2', 'a = "open', 'a =']) {
  test(`parseConfigFile: tells where ${JSON.stringify(toml)} is no TOML`, () => {
    const refused = parseConfigFile(toml, OPTION_ROWS);

    assert.ok(refused instanceof InvalidValue);
    assert.match(refused.why, /^line \d+, column \d+: [^\n]+$/);
  });
}

for (const [toml, wrong] of [
  ['snappy = true\n\nmsg_timeout = "soon"', 'line 3: invalid value "soon" for msg_timeout'],
  ['snappy = true\r\n"id" = "x"\r\n', 'line 2: invalid value "x" for id'],
  ['snappy = true\nid = \nsync_every = 1', 'line 2, column 6: invalid value'],
  [
    '# a\nnsqlookupd_tcp_addresses = [\n  "a:1"\nid = 1',
    'line 2: the list or table that begins here',
  ],
  ['id = 1\nnsqlookupd_tcp_addresses = ["a:1",\n\n', 'line 2: the list or table that begins here'],
  ['nsqlookupd_tcp_addresses = [\n"a:1" "b:2"\n]', 'line 2, column 7: expected comma'],
  [
    'data_path = "a\\u0000b"',
    'line 1: invalid value "a\\u0000b" for data_path: must have no zero byte',
  ],
] as const) {
  test(`parseConfigFile: names the line of ${JSON.stringify(toml)}`, () => {
    const refused = parseConfigFile(toml, OPTION_ROWS);

    assert.ok(refused instanceof InvalidValue);
    assert.ok(refused.why.startsWith(wrong), refused.why);
  });
}

for (const [text, format] of [
  ['{"max_msg_size": 5}', 'JSON'],
  ['\n{\n  "log_level": "debug"\n}\n', 'JSON'],
  ['max_msg_size: 5\n', 'YAML'],
  ['# my broker\nnsqlookupd_tcp_addresses:\n  - a:4160\n', 'YAML'],
  ['---\nlog_level: debug\n', 'YAML'],
]) {
  test(`parseConfigFile: says that ${JSON.stringify(text)} is ${format}`, () => {
    const result = parseConfigFile(text, OPTION_ROWS);

    assert.deepEqual(
      result,
      new InvalidValue(`the file is ${format}, but must be TOML, such as "max_msg_size = 1048576"`),
    );
  });
}
