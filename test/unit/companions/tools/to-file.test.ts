import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { goOptions } from '../../../../src/companions/tools/consumer-flags.ts';
import { FileNames } from '../../../../src/companions/tools/file-name.ts';
import { OutputFile } from '../../../../src/companions/tools/output-file.ts';
import { pushRecord, type RecordFormat } from '../../../../src/companions/tools/record-format.ts';
import { strftime } from '../../../../src/companions/tools/strftime.ts';
import { runToFile } from '../../../../src/companions/tools/to-file.ts';
import { TopicArchive } from '../../../../src/companions/tools/topic-archive.ts';
import { runWords } from '../../../support/operator.ts';

const ADDRESS = '--nsqd-tcp-address=127.0.0.1:4150';

for (const [words, code, reason] of [
  [['--topic=t'], 1, '--nsqd-tcp-address or --lookupd-http-address required'],
  [
    ['--topic=t', ADDRESS, '--lookupd-http-address=h:4161'],
    1,
    'use --nsqd-tcp-address or --lookupd-http-address not both',
  ],
  [[ADDRESS], 1, '--topic or --topic-pattern required'],
  [
    [ADDRESS, '--topic-pattern=x'],
    1,
    '--lookupd-http-address must be specified when no --topic specified',
  ],
  [['--topic=t', ADDRESS, '--channel='], 1, '--channel is required'],
  [['--topic=t', ADDRESS, '--gzip-level=10'], 1, 'invalid --gzip-level value (10), should be 1-9'],
  [['--topic=t', ADDRESS, '--gzip', '--zstd'], 1, 'use --gzip or --zstd not both'],
  [['--topic=t', ADDRESS, 'a', 'b'], 1, 'unknown arguments: [a b]'],
  [
    ['--topic=t', ADDRESS, '--http-client-connect-timeout=0s'],
    1,
    '--http-client-connect-timeout should be positive',
  ],
  [['--topic=t', ADDRESS, '--consumer-opt=nothing,1'], 2, 'invalid option nothing'],
  [['-nothing'], 2, 'flag provided but not defined: -nothing'],
] as const) {
  test(`to-file ${words.join(' ')} ends with ${code}`, async () => {
    const outcome = await runWords(runToFile, words);

    assert.equal(outcome.code, code);
    assert.ok(outcome.stderr.includes(reason), outcome.stderr);
    if (code === 1) assert.match(outcome.stderr, /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /);
  });
}

test('to-file prints the version of its original, and help with examples', async () => {
  const version = await runWords(runToFile, ['-version']);
  const help = await runWords(runToFile, ['--help']);

  assert.deepEqual(version, { code: 0, stdout: 'nsq_to_file v1.3.0\n', stderr: '' });
  assert.equal(help.code, 0);
  assert.match(help.stdout, /ringmq to-file --topic=orders/);
});

test('to-file reads options from a file, and flags come first', async (t) => {
  const file = path.join(scratch(t), 'to-file.toml');
  writeFileSync(file, 'topic = ["t"]\ngzip_level = 11\n');

  const fromFile = await runWords(runToFile, [`--config=${file}`, ADDRESS]);
  const fromFlag = await runWords(runToFile, [`--config=${file}`, ADDRESS, '--gzip-level=12']);

  assert.match(fromFile.stderr, /\(11\)/);
  assert.match(fromFlag.stderr, /\(12\)/);
});

test('strftime knows the letters of nsq_to_file and leaves others', () => {
  const time = new Date(2024, 1, 3, 0, 5, 6);

  assert.equal(
    strftime('%Y-%m-%d_%H %I %M %S %y %p %B %b %A %a %% %Q %', time),
    '2024-02-03_00 12 05 06 24 AM February Feb Saturday Sat % %Q %',
  );
});

test('file names carry topic, host and time, and a revision where it is needed', () => {
  const parts = {
    format: '<TOPIC>.<HOST><REV>.<DATETIME>.log',
    datetimeFormat: '%Y',
    topic: 'orders',
    hostname: 'node-1.example.org',
    hostIdentifier: '',
    pid: 7,
    needsRev: false,
    suffix: '',
  };
  const unixMs = new Date(2024, 5, 1).getTime();
  const withIdentifier = { ...parts, hostIdentifier: '<HOSTNAME>', needsRev: true, suffix: '.gz' };

  assert.equal(new FileNames(parts).at(unixMs), 'orders.node-1.2024.log');
  assert.equal(
    new FileNames(withIdentifier).at(unixMs),
    'orders.node-1.example.org<REV>.2024.log.gz',
  );
  assert.throws(() => new FileNames({ ...parts, format: 'x', needsRev: true }), /missing <REV>/);
});

for (const [format, bytes] of [
  ['lines', 'a\u00e9\n'],
  ['raw', 'a\u00e9'],
  ['length', '\0\0\0\u0003a\u00e9'],
  [
    'ndjson',
    '{"topic":"t","id":"0123456789abcdef","timestamp":"5","attempts":1,"body":"a\u00e9"}\n',
  ],
] as const satisfies readonly (readonly [RecordFormat, string])[]) {
  test(`a record as ${format}`, () => {
    const pieces: Buffer[] = [];

    const size = pushRecord(pieces, record('a\u00e9'), format);

    assert.equal(Buffer.concat(pieces).toString(), bytes);
    assert.equal(size, Buffer.byteLength(bytes));
  });
}

test('options of go-nsq become options of the client', () => {
  assert.deepEqual(
    goOptions([
      'max_attempts,5',
      'msg-timeout,1m',
      'heartbeat_interval,5000',
      'tls_v1',
      'tls_insecure_skip_verify,true',
      'snappy',
    ]),
    {
      maxAttempts: 5,
      msgTimeoutMs: 60_000,
      heartbeatIntervalMs: 5000,
      snappy: true,
      tls: { rejectUnauthorized: false },
    },
  );
});

test('an archive settles messages only after the sync of their bytes', async (t) => {
  const { archive, directory, file } = archiveIn(t);
  const events: string[] = [];
  t.mock.method(file, 'sync', async () => {
    const [name] = readdirSync(directory);
    events.push(`sync ${JSON.stringify(readFileSync(path.join(directory, name), 'utf8'))}`);
  });

  const all = ['a', 'b', 'c'].map((body) =>
    archive.append(record(body)).then(() => events.push(`finish ${body}`)),
  );
  archive.tick();
  await Promise.all(all);

  assert.deepEqual(events, ['sync "a\\nb\\nc\\n"', 'finish a', 'finish b', 'finish c']);
  await archive.close();
});

test('an archive whose sync fails settles nothing', async (t) => {
  const { archive, file } = archiveIn(t);
  t.mock.method(file, 'sync', () => Promise.reject(new Error('no space')));
  let isSettled = false;

  void archive.append(record('a')).finally(() => {
    isSettled = true;
  });
  archive.tick();

  await assert.rejects(archive.failed, /no space/);
  assert.equal(isSettled, false);
});

test('an archive rotates by size, and goes on with a file after ending its incomplete line', async (t) => {
  const rotated = archiveIn(t, { rotateBytes: 3 }, '<REV>');
  await appendAll(rotated.archive, ['aa', 'bb', 'cc', 'dd']);
  const torn = archiveIn(t);
  writeFileSync(path.join(torn.directory, 't.log'), 'whole\nto');
  await appendAll(torn.archive, ['next']);

  assert.deepEqual(contents(rotated.directory), {
    't-000000.log': 'aa\nbb\n',
    't-000001.log': 'cc\ndd\n',
  });
  assert.deepEqual(contents(torn.directory), { 't.log': 'whole\nto\nnext\n' });
});

test('a file moves from the work directory and never replaces another', async (t) => {
  const outputDir = scratch(t);
  const { archive, directory } = archiveIn(t, { outputDir, isExclusive: true }, '<REV>');
  writeFileSync(path.join(outputDir, 't-000000.log'), 'old');
  const pending = archive.append(record('new'));
  archive.tick();
  await pending;
  // A file of the same name that appears while ours is written.
  writeFileSync(path.join(outputDir, 't-000001.log'), 'late');
  await archive.close();

  assert.deepEqual(contents(directory), {});
  assert.deepEqual(contents(outputDir), {
    't-000000.log': 'old',
    't-000001.log': 'late',
    't-000002.log': 'new\n',
  });
});

test('to-file ends where directories cannot be made', async (t) => {
  const outputs = archiveIn(t, { outputDir: '/proc/ringmq/output' });
  const works = archiveIn(t, { outputDir: '/proc/ringmq/a/b', workDir: '/proc/ringmq/a/b' });

  for (const { archive } of [outputs, works]) {
    void archive.append(record('x'));
    await assert.rejects(archive.failed, /mkdir '\/proc/);
  }
});

async function appendAll(archive: TopicArchive, bodies: readonly string[]): Promise<void> {
  const all = bodies.map((body) => archive.append(record(body)));
  archive.tick();
  await Promise.all(all);
  await archive.close();
}

function archiveIn(
  t: TestContext,
  changes: Partial<ConstructorParameters<typeof OutputFile>[0]> = {},
  rev = '',
): { archive: TopicArchive; file: OutputFile; directory: string } {
  // Registered before the directory is removed: a handle that the garbage collector closes fails the run.
  t.after(() => file.close().catch(() => undefined));
  const directory = scratch(t);
  const file = new OutputFile({
    outputDir: directory,
    workDir: directory,
    encoder: null,
    isExclusive: false,
    hasLines: true,
    rotateBytes: 0,
    rotateMs: 0,
    monotonicMs: () => 0,
    log: () => undefined,
    ...changes,
  });
  const names = new FileNames({
    format: `<TOPIC>${rev}.log`,
    datetimeFormat: '',
    topic: 't',
    hostname: 'h',
    hostIdentifier: '',
    pid: 1,
    needsRev: rev !== '',
    suffix: '',
  });
  const archive = new TopicArchive({
    file,
    names,
    format: 'lines',
    skipsEmptyFiles: true,
    unixMs: () => 0,
    isStarved: () => false,
    onSynced: () => undefined,
  });
  return { archive, file, directory };
}

function record(body: string): Parameters<typeof pushRecord>[1] {
  return {
    topic: 't',
    id: '0123456789abcdef',
    timestamp: 5n,
    attempts: 1,
    body: Buffer.from(body),
  };
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-to-file-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory).sort();
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]),
  );
}
