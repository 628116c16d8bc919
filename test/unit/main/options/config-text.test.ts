import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportConfig } from '../../../../src/main/config-report.ts';
import { parseCommandLine } from '../../../../src/main/options/command-line.ts';

const WORDS = [
  '--max-memory=1GB',
  '--min-free-disk=5%',
  '--log-level=debug',
  '--drain-timeout=1m30.5s',
  '--tls-required=tcp-https',
  '--tls-cert=c',
  '--tls-key=k',
  '--tls-min-version=tls1.3',
  '--e2e-processing-latency-percentile=0.99,0.5',
  '--lookupd-tcp-address=a:1',
  '--lookupd-tcp-address=b:2',
  '--log-prefix=[x "y" \\ é]',
];

/** What the words have the program do, with this text in every file. */
function commandOf(words: readonly string[], file = '') {
  const context = { hostname: 'host', parallelism: 4, readFile: () => file };
  const command = parseCommandLine(words, context);
  const isReport = command.kind === 'check' || command.kind === 'show';
  return isReport ? reportConfig(command, context) : command;
}

function printOf(words: readonly string[], file = '') {
  const command = commandOf(words, file);
  if (command.kind !== 'print') throw new Error(JSON.stringify(command));
  return command;
}

test('--print-config: what is printed gives the same options when it is read', () => {
  const given = commandOf(WORDS);
  const { stdout, stderr, exitCode } = printOf([...WORDS, '--print-config']);
  const again = commandOf(['--config=c.toml'], stdout);

  assert.ok(given.kind === 'run' && again.kind === 'run');
  assert.deepStrictEqual(again.options, given.options);
  assert.deepStrictEqual(again.warnings, given.warnings);
  assert.deepStrictEqual([stderr, exitCode], ['', 0]);
});

test('--print-config: all options have a line, under the name of their group', () => {
  const { stdout } = printOf(['--print-config']);

  assert.match(stdout, /^# Program\nlog_level = "info"\n/);
  assert.match(stdout, /\n\n# Storage\ndata_path = ""\n/);
  assert.match(stdout, /\nmax_memory = "50%"\n/);
});

test('--check-config: says that a configuration is valid, and what has no effect', () => {
  const good = printOf(['--check-config']);
  const odd = printOf(['--config=c', '--check-config'], 'max_dept = 7');

  assert.deepStrictEqual(
    [good.stdout, good.stderr, good.exitCode],
    ['the configuration is valid\n', '', 0],
  );
  assert.equal(odd.exitCode, 0);
  assert.match(odd.stderr, /^warning: config file c: .*max_dept.*max_depth/);
});

test('--check-config: a value that is not valid is fatal, as at the start', () => {
  const command = commandOf(['--config=c', '--check-config'], 'max_depth = "x"');

  assert.ok(command.kind === 'fatal');
  assert.match(command.reason, /max_depth/);
});

test('--print-config: policies of the file are printed, too', () => {
  const file = '[policy.retries]\npattern = "orders:*"\nmax-attempts = 5\nmessage-ttl = "90s"\n';

  const { stdout } = printOf(['--config=c', '--print-config'], file);
  const again = printOf(['--config=c', '--print-config'], stdout);

  assert.match(stdout, /\n\n\[policy\.retries\]\npattern = "orders:\*"\npriority = 0\n(?:.+\n)+$/);
  assert.match(stdout, /\nmax-attempts = 5\n/);
  assert.match(stdout, /\nmessage-ttl = "1m30s"\n/);
  assert.equal(again.stdout, stdout);
});

test('--check-config: policies and the access file are checked', () => {
  const policy = commandOf(['--config=c', '--check-config'], '[policy.p]\npattern = "t"\nx = 1\n');
  const access = commandOf(['--http-access=a', '--check-config'], 'nonsense');

  assert.ok(policy.kind === 'fatal' && access.kind === 'fatal');
  assert.match(
    policy.reason,
    /^failed to load config file c - \[policy\.p\]: no policy has a key "x"/,
  );
  assert.match(access.reason, /--http-access "a": line 1/);
});
