import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runVerify } from '../../../../src/companions/operator/verify-command.ts';
import { lockDataPath } from '../../../../src/daemon/data-lock.ts';
import { runWords } from '../../../support/operator.ts';

const FIXTURES = join(import.meta.dirname, '../../../fixtures');

/** What each directory of nsqd has: topic, channel, messages, delivered before. */
const GOLDEN: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  finished: [
    ['f', null, 0, 0],
    ['f', 'c', 0, 0],
  ],
  'in-flight': [
    ['t', null, 0, 0],
    ['t', 'c', 3, 2],
  ],
  'multi-file': [
    ['q', null, 0, 0],
    ['q', 'c', 25, 0],
  ],
  'stale-metadata': [['s', null, 5, 0]],
  'topic-backlog': [['lonely', null, 4, 0]],
  'two-channels': [
    ['w', null, 0, 0],
    ['w', 'slow', 12, 0],
    ['w', 'fast', 10, 1],
  ],
};

function copyOf(t: TestContext, fixture: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-verify-'));
  t.after(() => rmSync(directory, { recursive: true }));
  cpSync(join(FIXTURES, fixture), directory, { recursive: true });
  return directory;
}

/** Names, times and bytes of everything. */
function imageOf(directory: string): unknown[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return ['.', ...names].map((name) => {
    const path = join(directory, name);
    const facts = statSync(path, { bigint: true });
    const bytes = facts.isFile() ? readFileSync(path, 'latin1') : '';
    return [name, facts.mtimeNs, facts.ctimeNs, facts.ino, bytes];
  });
}

type Queue = { topic: string; channel: string | null; messages: number; attempted: number };

test("ringmq verify: counts nsqd's directories, and changes nothing in them", async (t) => {
  for (const [fixture, expected] of Object.entries(GOLDEN)) {
    const directory = copyOf(t, fixture);
    for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o400);
    chmodSync(directory, 0o500);
    const before = imageOf(directory);

    const { code, stdout } = await runWords(runVerify, [directory, '--json']);

    const report = JSON.parse(stdout);
    const queues = report.queues.map(({ topic, channel, messages, attempted }: Queue) => {
      return [topic, channel, messages, attempted];
    });
    assert.deepEqual(queues, expected, fixture);
    assert.deepEqual([code, report.verdict, report.usedBy], [0, 'whole', null], fixture);
    assert.deepEqual(imageOf(directory), before, fixture);
    chmodSync(directory, 0o700);
  }
});

test('ringmq verify: a table, the damage with its place, and a verdict', async (t) => {
  const directory = copyOf(t, 'truncated-tail');
  const before = imageOf(directory);

  const { code, stdout, stderr } = await runWords(runVerify, [directory]);

  assert.equal(
    stdout,
    `TOPIC  CHANNEL  MESSAGES  BYTES  DEFERRED  ATTEMPTED  LOST  STATE
u      -        2         71B    0         0          1     ready

damage: u: u.diskqueue.000000.dat at 102: segment 0 ends at 102, metadata says 106: what followed is lost
note: u: depth is 2, metadata says 3
damage: u: u.diskqueue.000000.dat at 71: segment 0: no record at 71, 31 bytes lost

damaged: 2 messages, 71B found, 1 lost; a start keeps damaged segments as .bad
`,
  );
  assert.deepEqual([code, stderr], [1, `${directory} is damaged\n`]);
  assert.deepEqual(imageOf(directory), before);
});

test('ringmq verify: a segment that is gone, one that is cut, and a size that is impossible', async (t) => {
  const cases: readonly [string, (directory: string) => void][] = [
    ['is gone', (directory) => rmSync(join(directory, 'q:c.diskqueue.000002.dat'))],
    ['no record at', (at) => truncateSync(join(at, 'q:c.diskqueue.000002.dat'), 70)],
    ['no record at', (at) => writeFileSync(join(at, 'q:c.diskqueue.000002.dat'), 'x'.repeat(99))],
  ];
  for (const [text, damage] of cases) {
    const directory = copyOf(t, 'multi-file');
    damage(directory);

    const { code, stdout } = await runWords(runVerify, [directory, '--json']);

    const { queues, verdict } = JSON.parse(stdout);
    const { messages, lost, findings } = queues[1];
    assert.deepEqual([code, verdict], [1, 'damaged'], text);
    assert.equal(messages + lost, 25, `${text}: ${stdout}`);
    const found = findings.find(({ kind }: { kind: string }) => kind === 'damage');
    assert.match(found.text, new RegExp(text));
    assert.equal(found.file, 'q:c.diskqueue.000002.dat');
  }
});

test('ringmq verify: what a start refuses, and what nsqd.dat does not name', async (t) => {
  const directory = copyOf(t, 'topic-backlog');
  writeFileSync(join(directory, 'nsqd.dat'), '{"topics":');
  mkdirSync(join(directory, '.ringmq'));
  writeFileSync(join(directory, '.ringmq/policies.json'), '{"version":7}');
  writeFileSync(join(directory, '.ringmq/seen.json'), 'none');

  const { code, stdout } = await runWords(runVerify, [directory, '--json']);

  const { findings, queues } = JSON.parse(stdout);
  const [list, policies, seen] = findings;
  assert.equal(code, 1);
  assert.match(list.text, /^a broker does not start: failed to parse metadata in .*nsqd\.dat - /);
  assert.deepEqual([policies.kind, policies.file], ['damage', '.ringmq/policies.json']);
  assert.deepEqual([seen.kind, seen.file], ['note', '.ringmq/seen.json']);
  assert.deepEqual([queues[0].messages, queues[0].state], [4, 'not in nsqd.dat']);
});

test('ringmq verify: exit codes of what cannot be read, and of wrong usage', async (t) => {
  const directory = copyOf(t, 'topic-backlog');
  rmSync(join(directory, 'lonely.diskqueue.000000.dat'));
  mkdirSync(join(directory, 'lonely.diskqueue.000000.dat'));
  const codes = [];
  for (const words of [
    [directory],
    [join(directory, 'none')],
    [join(directory, 'nsqd.dat')],
    [],
    [directory, 'more'],
    [directory, '--max-msg-size=much'],
    ['--help'],
  ]) {
    codes.push((await runWords(runVerify, words)).code);
  }

  assert.deepEqual(codes, [3, 3, 3, 2, 2, 2, 0]);
});

test('ringmq verify: says that a directory looks like none of a broker', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-verify-'));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'data'));

  const { code, stdout } = await runWords(runVerify, [directory]);

  assert.equal(code, 0);
  assert.match(stdout, /^note: nsqd.dat: .*data files/m);
  assert.match(stdout, /^whole: 0 messages, 0B$/m);
});

test('ringmq verify: says that a broker uses the directory, and which process', async (t) => {
  const directory = copyOf(t, 'finished');
  const lock = await lockDataPath(directory, () => undefined);
  const { stdout } = await runWords(runVerify, [directory]);
  await lock.release();

  assert.match(stdout, /^A broker uses the directory: .*not those in its memory \(.*in use/);
});
