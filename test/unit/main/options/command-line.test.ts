import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPANIONS } from '../../../../src/daemon/command-table.ts';
import { type Command, parseCommandLine } from '../../../../src/main/options/command-line.ts';
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
  [['--config=none.cfg'], 'failed to load config file none.cfg - it does not exist'],
  [
    ['--config=bad.cfg'],
    'failed to load config file bad.cfg - line 1: invalid value "soon" for msg_timeout: invalid duration; write for example 60s, 250ms or 1m30s',
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
  test(`parseCommandLine: ${words.join(' ')} prints the line of nsqd for programs, and RingMQ first for people`, () => {
    const command = run(words);

    assert.ok(command.kind === 'print');
    assert.match(command.stdout, /^nsqd v\d+\.\d+\.\d+\S* \(built w\/.+\)\n$/);
    assert.match(command.stderr, /^RingMQ \d+\.\d+\.\d+, compatible with nsqd v1\.3\.0\n$/);
    assert.equal(command.exitCode, 0);
  });
}

test('parseCommandLine: the command version prints both lines', () => {
  const command = run(['version']);

  assert.ok(command.kind === 'print');
  assert.match(command.stdout, /^RingMQ .*\nnsqd v.*\n$/);
  assert.deepEqual([command.stderr, command.exitCode], ['', 0]);
});

test('parseCommandLine: --version=false runs', () => {
  assert.equal(run(['--version=false']).kind, 'run');
});

test('parseCommandLine: the command start takes flags', () => {
  assert.deepEqual(run(['start', '--node-id=7']), run(['--node-id=7']));
});

for (const words of [['--help'], ['-h'], ['help'], ['start', '--help']]) {
  test(`parseCommandLine: ${words.join(' ')} shows every flag with its key, default and meaning`, () => {
    const command = run(words);

    assert.ok(command.kind === 'help');
    const text = command.text.replaceAll(/\n {8}/g, ' ');
    assert.match(command.text, /^RingMQ \d+\.\d+\.\d+, compatible with nsqd v1\.3\.0\n/);
    for (const row of [...OPTION_ROWS.values(), ...Object.values(PROGRAM_FLAGS)]) {
      const word = row.kind.word === '' ? '' : ` ${row.kind.word}`;
      assert.ok(text.includes(`  -${row.flag}${word} ${row.help}`), row.flag);
    }
    const wide = command.text.split('\n').filter((line) => line.length > 100);
    assert.deepEqual(wide, [], 'no line is wider than 100 columns');
    assert.ok(command.text.includes('-node-id int\n'));
    assert.ok(command.text.includes('[key id] (default 937)\n'));
    assert.ok(command.text.includes('(default 1m0s)\n'));
  });
}

test('parseCommandLine: a bad flag is named before and after the usage', () => {
  const command = run(['--no-such-flag=1']);

  assert.ok(command.kind === 'print');
  const lines = command.stderr.split('\n');
  assert.deepEqual([command.stdout, command.exitCode], ['', 2]);
  assert.equal(lines[0], 'flag provided but not defined: -no-such-flag');
  assert.match(lines[1], /^RingMQ /);
  assert.equal(lines.at(-2), 'flag provided but not defined: -no-such-flag (see the usage above)');
});

for (const [word, hint] of [
  ['stats', '; did you mean stat?'],
  ['verison', '; did you mean version?'],
  ['/data', ''],
  ['', ''],
  ['Help', '; did you mean help?'],
] as const) {
  test(`parseCommandLine: ${word} is no command`, () => {
    const stderr = `unknown command ${JSON.stringify(word)}${hint}
The commands are start, help, version, bench, ${Object.keys(COMPANIONS).join(', ')}; without one the broker starts.
`;

    assert.deepEqual(run([word, '--node-id=1']), {
      kind: 'print',
      stdout: '',
      stderr,
      exitCode: 2,
    });
  });
}

test('parseCommandLine: a word after start is refused instead of ignored with all flags behind it', () => {
  assert.deepEqual(run(['start', 'help', '--node-id=1']), {
    kind: 'print',
    stdout: '',
    stderr: '"help" after start is no flag: a flag begins with "-"\n',
    exitCode: 2,
  });
});

for (const [words, warnings] of [
  [['--node-id=1'], []],
  [['--node-id=1', '--'], []],
  [
    ['--snappy', 'false', '--deflate=0'],
    [
      '"false" and what follows it are ignored: a flag begins with "-", and a switch takes its value after "="',
    ],
  ],
  [
    ['--config=typo.cfg'],
    [
      'config file typo.cfg: line 2: "mem_queue_sise": no option has this key, so it is ignored; did you mean mem_queue_size?',
      'config file typo.cfg: line 3: "node_id": no option has this key, so it is ignored; did you mean id?',
      'config file typo.cfg: line 4: "nsqd": options are not in tables, so those in it are ignored',
      'config file typo.cfg: line 6: "policies": no option has this key, so it is ignored; did you mean policy?',
    ],
  ],
  [
    ['--lookupd-tcp-address=lookupd', '--statsd-address=foo', '--auth-http-address=ftp://x'],
    [
      '--lookupd-tcp-address "lookupd" has no port; write for example lookupd:4160',
      '--statsd-address "foo" has no port; write for example foo:8125',
      '--auth-http-address "ftp://x" is not an HTTP URL; write for example http://127.0.0.1:4181/auth',
    ],
  ],
  [
    ['--enable-experiment=topology-aware', '--enable-experiment=topology-aware-consumtion'],
    [
      '--enable-experiment "topology-aware" has no effect: no experiment has this name; did you mean topology-aware-consumption?',
      '--enable-experiment "topology-aware-consumtion" has no effect: no experiment has this name; did you mean topology-aware-consumption?',
    ],
  ],
  [
    ['--auth-http-address=ftp://user:pass@host', '--auth-http-address=user:pass@host'],
    [
      '--auth-http-address "ftp://***@host" is not an HTTP URL; write for example http://127.0.0.1:4181/auth',
      '--auth-http-address "host" has no port; write for example host:4181',
    ],
  ],
  [
    ['--broadcast-address=host:4150'],
    ['--broadcast-address "host:4150" must be a host alone, without a port and without brackets'],
  ],
  [
    ['--broadcast-address=a b'],
    [
      '--broadcast-address "a b" is not a host: consumers cannot reach it; write for example broker-1',
    ],
  ],
  [
    ['--broadcast-address='],
    ['--broadcast-address "" is not a host: consumers cannot reach it; write for example broker-1'],
  ],
  [['--broadcast-address=::1', '--lookupd-tcp-address=[::1]:1', '--auth-http-address=u:p@a:1'], []],
] as const) {
  test(`parseCommandLine: warns of ${words.join(' ')}`, () => {
    const files = {
      'typo.cfg': 'id = 1\nmem_queue_sise = 1\nnode_id = 2\n[nsqd]\nsnappy = true\n[[policies]]\n',
    };
    const command = run(words, files);

    assert.ok(command.kind === 'run', JSON.stringify(command));
    assert.deepEqual(command.warnings, warnings);
  });
}

function run(words: readonly string[], files: Readonly<Record<string, string>> = {}): Command {
  return parseCommandLine(words, {
    hostname: 'broker-1',
    parallelism: 8,
    readFile: (path) => {
      if (!Object.hasOwn(files, path)) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
      return files[path];
    },
  });
}

function optionsOf(command: Command): Options {
  assert.ok(command.kind === 'run', JSON.stringify(command));
  return command.options;
}
