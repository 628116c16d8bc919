import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { configValue } from '../../../../src/main/options/config-values.ts';
import {
  completeOptions,
  OPTION_ROWS,
  type Options,
} from '../../../../src/main/options/options.ts';

const CERTIFICATE = { tlsCert: 'server.pem', tlsKey: 'server.key' };

const SHOWN: readonly (readonly [string, Partial<Options>, unknown])[] = [
  ['mem_queue_size', { memQueueSize: 77 }, 77],
  ['msg_timeout', { msgTimeoutMs: 90_000 }, 90_000_000_000],
  ['sync_timeout', { syncTimeoutMs: 0.250001 }, 250_001],
  ['statsd_interval', {}, 60_000_000_000],
  ['output_buffer_timeout', {}, 250_000_000],
  ['log_level', {}, 2],
  ['log_level', { logLevel: 'fatal' }, 5],
  ['id', { nodeId: 5 }, 5],
  ['max_rdy_count', {}, 2500],
  ['snappy', {}, true],
  ['tls_required', {}, 0],
  ['tls_required', { ...CERTIFICATE, tlsRequired: 'tcp-https' }, 1],
  ['tls_required', { ...CERTIFICATE, tlsRequired: true }, 2],
  ['tls_min_version', {}, 769],
  ['tls_min_version', { tlsMinVersion: 'tls1.3' }, 772],
  ['data_path', { dataPath: '/data' }, '/data'],
  ['log_prefix', {}, '[nsqd] '],
  ['auth_http_addresses', {}, []],
  ['nsqlookupd_tcp_addresses', { lookupdTcpAddress: ['127.0.0.1:1'] }, ['127.0.0.1:1']],
  ['e2e_processing_latency_percentiles', { e2eProcessingLatencyPercentile: [1, 0.95] }, [1, 0.95]],
  ['enable_experiment', {}, []],
  ['pump_threads', {}, 7],
  ['max_memory', {}, '50%'],
  ['max_memory', { maxMemory: { kind: 'bytes', bytes: 1 } }, 1],
  ['min_free_disk', {}, 2 ** 24],
  ['max_bytes', { maxBytes: 77 }, 77],
  ['when_full', {}, 'reject'],
  ['none', {}, undefined],
  ['node_id', {}, undefined],
  ['msg-timeout', {}, undefined],
  ['nodeId', {}, undefined],
  ['verbose', {}, undefined],
  ['config', {}, undefined],
  ['constructor', {}, undefined],
  ['', {}, undefined],
];

for (const [key, given, shown] of SHOWN) {
  test(`configValue: ${JSON.stringify(key)} with ${JSON.stringify(given)}`, () => {
    assert.deepEqual(configValue(makeOptions(given), key), shown);
  });
}

test('configValue: knows the key of every option', () => {
  const options = makeOptions({});

  for (const { key } of OPTION_ROWS.values()) assert.notEqual(configValue(options, key), undefined);
});

function makeOptions(given: Partial<Options>): Options {
  const options = completeOptions(new Map(Object.entries(given)), {
    hostname: 'broker-1',
    parallelism: 8,
  });
  assert.ok(!(options instanceof InvalidValue));
  return options;
}
