import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NsqError } from '../../../src/client/nsq-error.ts';
import { type BrokerOptions, brokerSettings } from '../../../src/embedded/broker-options.ts';

/** What a program without types may hand in. */
function refusalOf(options: Record<string, unknown>): unknown {
  try {
    brokerSettings(options as BrokerOptions);
  } catch (error) {
    if (!(error instanceof NsqError)) throw error;
    return [error.code, error.option, error.message];
  }
  return null;
}

test('brokerSettings: what is not given is as in the program, except that nothing is listened on', () => {
  const { options, isInMemory, log, workers } = brokerSettings({ dataPath: '/data' });

  assert.deepEqual(
    [options.dataPath, options.memQueueSize, options.msgTimeoutMs, options.maxMemory],
    ['/data', 10_000, 60_000, { kind: 'percent', percent: 50 }],
  );
  assert.deepEqual([options.tcpAddress, options.httpAddress, options.httpsAddress], ['', '', '']);
  assert.deepEqual([isInMemory, log, workers], [false, null, undefined]);
});

test('brokerSettings: values are given as a program has them', () => {
  const { options } = brokerSettings({
    dataPath: '/data',
    tcpAddress: '127.0.0.1:0',
    httpAddress: null,
    msgTimeoutMs: 0.5,
    maxBytes: '1MiB',
    maxMemory: 2 ** 30,
    minFreeDisk: '10%',
    lookupdTcpAddress: ['a:4160', 'b:4160'],
    e2eProcessingLatencyPercentile: [0.5, 0.99],
    logLevel: 'error',
    tlsMinVersion: 'tls1.2',
    snappy: false,
  });

  assert.deepEqual(
    [options.tcpAddress, options.httpAddress, options.msgTimeoutMs, options.maxBytes],
    ['127.0.0.1:0', '', 0.5, 2 ** 20],
  );
  assert.deepEqual(
    [options.maxMemory, options.minFreeDisk],
    [
      { kind: 'bytes', bytes: 2 ** 30 },
      { kind: 'percent', percent: 10 },
    ],
  );
  assert.deepEqual(
    [options.lookupdTcpAddress, options.e2eProcessingLatencyPercentile],
    [
      ['a:4160', 'b:4160'],
      [0.99, 0.5],
    ],
  );
  assert.deepEqual(
    [options.logLevel, options.tlsMinVersion, options.snappy],
    ['error', 'tls1.2', false],
  );
});

const WRONG: readonly [given: Record<string, unknown>, option: string, message: string][] = [
  [{}, 'dataPath', 'option dataPath: must name an existing directory, unless memory is true'],
  [{ memory: 1 }, 'memory', 'option memory: must be true or false'],
  [
    { memory: true, dataPath: '/data' },
    'dataPath',
    'option dataPath: has no effect if memory is true',
  ],
  [
    { memory: true, memQueueSice: 1 },
    'memQueueSice',
    'option memQueueSice: there is no such option; did you mean memQueueSize?',
  ],
  [{ memory: true, logPrefix: 'x' }, 'logPrefix', 'option logPrefix: there is no such option'],
  [{ memory: true, maxDepth: -1 }, 'maxDepth', 'option maxDepth must be [0,2147483647], not -1'],
  [{ memory: true, maxDepth: '1' }, 'maxDepth', 'option maxDepth: must be a whole number'],
  [
    { memory: true, msgTimeoutMs: '1s' },
    'msgTimeoutMs',
    'option msgTimeoutMs: must be a number of milliseconds',
  ],
  [{ memory: true, snappy: 'no' }, 'snappy', 'option snappy: must be true or false'],
  [
    { memory: true, lookupdTcpAddress: 'a:4160' },
    'lookupdTcpAddress',
    'option lookupdTcpAddress: must be an array of strings',
  ],
  [
    { memory: true, tlsCert: 'cert.pem' },
    'tlsKey',
    'option failed to build TLS config - tlsCert and tlsKey must be given together',
  ],
  [
    { memory: true, log: { info: () => undefined } },
    'log',
    'option log: must have the methods debug, info, warn, error',
  ],
  [{ memory: true, workersPath: 1 }, 'workersPath', 'option workersPath: must be a string'],
];

for (const [given, option, message] of WRONG) {
  test(`brokerSettings: ${JSON.stringify(given)} is refused, and ${option} is named`, () => {
    const refusal = refusalOf(given);

    assert.deepEqual(refusal, ['INVALID_OPTION', option, message]);
  });
}
