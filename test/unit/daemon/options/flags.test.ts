import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ParsedFlags,
  parseFlags as parseFlagsOf,
} from '../../../../src/daemon/options/flags.ts';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { initialValue, rowsOf } from '../../../../src/daemon/options/option-table.ts';
import { OPTION_ROWS, PROGRAM_FLAGS } from '../../../../src/main/options/options.ts';

const ROWS = new Map([...rowsOf(PROGRAM_FLAGS), ...OPTION_ROWS]);

function parseFlags(words: readonly string[]): ParsedFlags {
  return parseFlagsOf(words, ROWS);
}

const MACHINE = { hostname: 'broker-1', parallelism: 8 };

/** Words, and the values they give. */
const READ: readonly (readonly [string, Record<string, unknown>])[] = [
  ['', {}],
  [
    '-mem-queue-size 12 --max-rdy-count 34 -sync-every=56',
    { memQueueSize: 12, maxRdyCount: 34, syncEvery: 56 },
  ],
  ['--topology-zone=a=b', { topologyZone: 'a=b' }],
  ['--topology-zone=', { topologyZone: '' }],
  ['--data-path --help', { dataPath: '--help' }],
  ['--msg-timeout 1s --msg-timeout 2s', { msgTimeoutMs: 2000 }],
  ['--snappy', { snappy: true }],
  ['--verbose --worker-id', { verbose: true, workerId: true }],
  ['--verbose=false --version=1', { verbose: false, version: true }],
  ['--config=a.cfg', { config: 'a.cfg' }],
  // The word behind a switch is not its value, and ends the flags.
  ['--snappy false --deflate=f', { snappy: true }],
  ['--deflate -- --snappy=f', { deflate: true }],
  ['--deflate=f - --snappy=f', { deflate: false }],
  ['serve --snappy=f', {}],
  ['--node-id=0x1F', { nodeId: 31 }],
  ['--node-id=0b101', { nodeId: 5 }],
  ['--node-id=0o17', { nodeId: 15 }],
  ['--node-id=017', { nodeId: 15 }],
  ['--node-id=0_17', { nodeId: 15 }],
  ['--node-id=0x_f', { nodeId: 15 }],
  ['--node-id=1_0', { nodeId: 10 }],
  ['--node-id=0', { nodeId: 0 }],
  ['--node-id=+7', { nodeId: 7 }],
  ['--node-id -1', { nodeId: -1 }],
  ['--max-msg-size=1048576', { maxMsgSize: 1_048_576 }],
  ['--msg-timeout=1m30s', { msgTimeoutMs: 90_000 }],
  ['--sync-timeout=250us', { syncTimeoutMs: 0.25 }],
  ['--sync-timeout=0', { syncTimeoutMs: 0 }],
  [
    '--lookupd-tcp-address=a:1,b:2 --lookupd-tcp-address c:3',
    { lookupdTcpAddress: ['a:1,b:2', 'c:3'] },
  ],
  [
    '--e2e-processing-latency-percentile=0.5,1.0 --e2e-processing-latency-percentile=.95,1e-1',
    { e2eProcessingLatencyPercentile: [1, 0.95, 0.5, 0.1] },
  ],
  ['--max-bytes=1MiB --max-depth=7', { maxBytes: 2 ** 20, maxDepth: 7 }],
  ['--min-free-disk 2.5%', { minFreeDisk: { kind: 'percent', percent: 2.5 } }],
  ['--max-memory=1GB', { maxMemory: { kind: 'bytes', bytes: 1e9 } }],
  ['--log-level=WARN', { logLevel: 'warn' }],
  ['--tls-required', { tlsRequired: true }],
  ['--tls-required=F', { tlsRequired: false }],
  ['--tls-required=TCP-https', { tlsRequired: 'tcp-https' }],
  ['--tls-min-version=TLS1.2', { tlsMinVersion: 'tls1.2' }],
  ['--tls-min-version=', { tlsMinVersion: 'tls1.0' }],
];

for (const [line, values] of READ) {
  test(`parseFlags: reads ${JSON.stringify(line)}`, () => {
    assert.deepEqual(parseFlags(wordsOf(line)).flags, new Map(Object.entries(values)));
  });
}

for (const word of ['1', 't', 'T', 'TRUE', 'true', 'True']) {
  test(`parseFlags: ${word} is true`, () => {
    assert.deepEqual(parseFlags([`--snappy=${word}`]).flags, new Map([['snappy', true]]));
  });
}

for (const word of ['0', 'f', 'F', 'FALSE', 'false', 'False']) {
  test(`parseFlags: ${word} is false`, () => {
    assert.deepEqual(parseFlags([`--snappy=${word}`]).flags, new Map([['snappy', false]]));
  });
}

for (const line of ['-h', '--h', '-help', '--help', '--help=x', '--snappy -h --no-such-flag']) {
  test(`parseFlags: ${line} asks for help`, () => {
    assert.equal(parseFlags(wordsOf(line)).flags, 'help');
  });
}

const REFUSED: readonly (readonly [string, string])[] = [
  [
    '--mem-queue-size=10k',
    'invalid value "10k" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 10000',
  ],
  [
    '--max-msg-size=1.5MiB',
    'invalid value "1.5MiB" for flag -max-msg-size: parse error, must be a whole number without a unit, such as 1500000',
  ],
  [
    '--mem-queue-sise=1',
    'flag provided but not defined: -mem-queue-sise; did you mean -mem-queue-size?',
  ],
  [
    '--lookup-tcp-address=a:1',
    'flag provided but not defined: -lookup-tcp-address; did you mean -lookupd-tcp-address?',
  ],
  ['--no-such-flag=1', 'flag provided but not defined: -no-such-flag'],
  [
    '--max-message-size=1',
    'flag provided but not defined: -max-message-size; did you mean -max-msg-size?',
  ],
  [
    '--broker-tcp-address=x',
    'flag provided but not defined: -broker-tcp-address; did you mean -tcp-address?',
  ],
  ['--sync=1', 'flag provided but not defined: -sync; did you mean -sync-every or -sync-timeout?'],
  ['--Snappy', 'flag provided but not defined: -Snappy; did you mean -snappy?'],
  ['--constructor', 'flag provided but not defined: -constructor'],
  ['---snappy', 'bad flag syntax: ---snappy'],
  ['-=1', 'bad flag syntax: -=1'],
  ['--=1', 'bad flag syntax: --=1'],
  ['--mem-queue-size', 'flag needs an argument: -mem-queue-size'],
  [
    '--mem-queue-size=many',
    'invalid value "many" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=',
    'invalid value "" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=1.5',
    'invalid value "1.5" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=1e3',
    'invalid value "1e3" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=1__0',
    'invalid value "1__0" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=1_',
    'invalid value "1_" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=- 1',
    'invalid value "-" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=0x',
    'invalid value "0x" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=0x_',
    'invalid value "0x_" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=0x1__0',
    'invalid value "0x1__0" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=_1',
    'invalid value "_1" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=08',
    'invalid value "08" for flag -mem-queue-size: parse error, must be a whole number without a unit, such as 100',
  ],
  [
    '--mem-queue-size=9007199254740993',
    'invalid value "9007199254740993" for flag -mem-queue-size: value out of range',
  ],
  [
    '--msg-timeout=5',
    'invalid value "5" for flag -msg-timeout: missing unit in duration, as in 5s',
  ],
  [
    '--msg-timeout=soon',
    'invalid value "soon" for flag -msg-timeout: invalid duration; write for example 60s, 250ms or 1m30s',
  ],
  [
    '--msg-timeout=9999h',
    'invalid value "9999h" for flag -msg-timeout: duration is longer than 104 days',
  ],
  [
    '--snappy=perhaps',
    'invalid boolean value "perhaps" for -snappy: parse error, must be true or false',
  ],
  ['--snappy=', 'invalid boolean value "" for -snappy: parse error, must be true or false'],
  ['--worker-id=5', 'invalid boolean value "5" for -worker-id: parse error, must be true or false'],
  [
    '--tls-required=maybe',
    'invalid boolean value "maybe" for -tls-required: must be true, false or tcp-https',
  ],
  [
    '--tls-min-version=ssl3.0',
    'invalid value "ssl3.0" for flag -tls-min-version: must be one of tls1.0, tls1.1, tls1.2, tls1.3',
  ],
  [
    '--log-level=shout',
    'invalid value "shout" for flag -log-level: must be one of debug, info, warn, error, fatal',
  ],
  [
    '--e2e-processing-latency-percentile=0.5,x',
    'invalid value "0.5,x" for flag -e2e-processing-latency-percentile: parse error, must be numbers such as 0.99, with commas between them',
  ],
  [
    '--e2e-processing-latency-percentile=NaN',
    'invalid value "NaN" for flag -e2e-processing-latency-percentile: parse error, must be numbers such as 0.99, with commas between them',
  ],
  [
    '--max-bytes=1M',
    'invalid value "1M" for flag -max-bytes: unknown unit "M" in size, which must be bytes, such as 1048576, 16MiB or 1.5GB',
  ],
  ['--max-memory=200%', 'invalid value "200%" for flag -max-memory: must be at most 100%'],
  // The first mistake counts.
  [
    '--snappy=x --no-such-flag -h',
    'invalid boolean value "x" for -snappy: parse error, must be true or false',
  ],
];

for (const [line, why] of REFUSED) {
  test(`parseFlags: refuses ${JSON.stringify(line)}`, () => {
    assert.deepEqual(parseFlags(wordsOf(line)).flags, new InvalidValue(why));
  });
}

test('parseFlags: reports unused words', () => {
  const rest = (line: string): readonly string[] => parseFlags(wordsOf(line)).rest;

  assert.deepEqual(rest('--snappy false --deflate=0'), ['false', '--deflate=0']);
  assert.deepEqual(rest('--snappy -- x'), ['--', 'x']);
  assert.deepEqual(rest('--snappy'), []);
});

for (const [name, row] of [...OPTION_ROWS, ...Object.entries(PROGRAM_FLAGS)]) {
  const value = initialValue(row, MACHINE);
  // A list is empty by default, and a flag can only add to it.
  if (Array.isArray(value)) continue;
  test(`parseFlags: -${row.flag} takes its own default`, () => {
    const text = typeof value === 'string' ? value : row.kind.spell(value);

    assert.deepEqual(parseFlags([`-${row.flag}=${text}`]).flags, new Map([[name, value]]));
    assert.equal(row.kind.isSwitch, row.kind.word === '');
  });
}

function wordsOf(line: string): readonly string[] {
  return line === '' ? [] : line.split(' ');
}
