import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, parseCommandLine } from '../../../../src/daemon/options/command-line.ts';
import { OPTION_ROWS, type Options, PROGRAM_FLAGS } from '../../../../src/main/options/options.ts';

const CONFIG = `
  mem_queue_size = 21
  max_rdy_count = 7
  msg_timeout = "45s"
  nsqlookupd_tcp_addresses = ["a:5"]
`;

test('parseCommandLine: no words mean the defaults', () => {
  const options = optionsOf(run([]));

  assert.equal(options.tcpAddress, '0.0.0.0:4150');
  assert.equal(options.broadcastAddress, 'broker-1');
});

test('parseCommandLine: a flag counts more than the file, and the file more than the default', () => {
  const options = optionsOf(
    run(['--config=a.cfg', '--mem-queue-size=22', '--lookupd-tcp-address=b:6'], {
      'a.cfg': CONFIG,
    }),
  );

  assert.deepEqual(
    [options.memQueueSize, options.maxRdyCount, options.msgTimeoutMs, options.syncEvery],
    [22, 7, 45_000, 2500],
  );
  assert.deepEqual(options.lookupdTcpAddress, ['b:6']);
});

test('parseCommandLine: a flag counts even when it states the default', () => {
  const options = optionsOf(
    run(['--config', 'a.cfg', '--max-rdy-count=2500'], { 'a.cfg': CONFIG }),
  );

  assert.equal(options.maxRdyCount, 2500);
});

test('parseCommandLine: an empty config path means no file', () => {
  assert.equal(optionsOf(run(['--config='])).memQueueSize, 10_000);
});

test('parseCommandLine: deprecated flags change nothing', () => {
  assert.deepEqual(run(['--verbose', '--worker-id']), run([]));
});

for (const [words, reason] of [
  [['--node-id=1024'], 'failed to instantiate nsqd - --node-id must be [0,1024)'],
  [['--config=none.cfg'], 'failed to load config file none.cfg - no such file'],
  [
    ['--config=bad.cfg'],
    'failed to load config file bad.cfg - invalid value "soon" for msg_timeout: invalid duration',
  ],
  [['--config=range.cfg'], 'failed to instantiate nsqd - --max-deflate-level must be [1,9]'],
] as const) {
  test(`parseCommandLine: ${words.join(' ')} is fatal`, () => {
    const files = { 'bad.cfg': 'msg_timeout = "soon"', 'range.cfg': 'max_deflate_level = 0' };

    assert.deepEqual(run(words, files), { kind: 'fatal', reason });
  });
}

test('parseCommandLine: a flag replaces a value of the file that is out of range', () => {
  const command = run(['--config=a.cfg', '--node-id=1'], { 'a.cfg': 'id = 5000' });

  assert.equal(optionsOf(command).nodeId, 1);
});

for (const words of [['--version'], ['-version', '--config=none.cfg', '--node-id=5000']]) {
  test(`parseCommandLine: ${words.join(' ')} prints one line`, () => {
    const command = run(words);

    assert.ok(command.kind === 'print');
    assert.match(command.text, /^nsqd v\d+\.\d+\.\d+\S* \(built w\/.+\)\n$/);
    assert.deepEqual([command.stream, command.exitCode], ['stdout', 0]);
  });
}

test('parseCommandLine: --version=false runs', () => {
  assert.equal(run(['--version=false']).kind, 'run');
});

test('parseCommandLine: help shows every flag with its key, default and meaning', () => {
  const command = run(['--help']);

  assert.ok(command.kind === 'print');
  assert.deepEqual([command.stream, command.exitCode], ['stderr', 0]);
  for (const row of [...OPTION_ROWS.values(), ...Object.values(PROGRAM_FLAGS)]) {
    const heading = row.kind.word === '' ? `  -${row.flag}\n` : `  -${row.flag} ${row.kind.word}\n`;
    assert.ok(command.text.includes(`${heading}        ${row.help}`), row.flag);
  }
  assert.ok(command.text.includes('-node-id int\n'));
  assert.ok(command.text.includes('[key id] (default 937)\n'));
  assert.ok(command.text.includes('(default 1m0s)\n'));
});

test('parseCommandLine: a bad flag is named before and after the usage', () => {
  const command = run(['--no-such-flag=1']);

  assert.ok(command.kind === 'print');
  const lines = command.text.split('\n');
  assert.deepEqual([command.stream, command.exitCode], ['stderr', 2]);
  assert.equal(lines[0], 'flag provided but not defined: -no-such-flag');
  assert.equal(lines[1], 'Usage of nsqd:');
  assert.equal(lines.at(-2), 'flag provided but not defined: -no-such-flag (see the usage above)');
});

function run(words: readonly string[], files: Readonly<Record<string, string>> = {}): Command {
  return parseCommandLine(words, {
    hostname: 'broker-1',
    parallelism: 8,
    readFile: (path) => {
      if (!Object.hasOwn(files, path)) throw new Error('no such file');
      return files[path];
    },
  });
}

function optionsOf(command: Command): Options {
  assert.ok(command.kind === 'run', JSON.stringify(command));
  return command.options;
}
