import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { adopt, describeOrphans, findOrphans } from '../../../../src/main/storage/orphans.ts';
import type { SavedTopic } from '../../../../src/main/topics/metadata.ts';
import { diskRecord } from '../../../support/disk-files.ts';
import { channelNamed, topicNamed } from '../../../support/names.ts';

function directoryWith(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(path, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

function records(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => diskRecord(i, `message ${i}`)));
}

const T = topicNamed('t');
const C = channelNamed('c');
const SAVED: readonly SavedTopic[] = [
  { name: T, isPaused: true, channels: [{ name: C, isPaused: false }] },
];

test('findOrphans: queues of topics and channels that are saved are none', (t) => {
  const path = directoryWith(t, {
    't.diskqueue.000000.dat': records(3),
    't:c.diskqueue.000000.dat': records(3),
    't:c.diskqueue.meta.dat': '3\n0,0\n0,99\n',
  });

  assert.deepEqual(findOrphans(path, SAVED), []);
});

test('findOrphans: counts what metadata says, or without it the records in the files', (t) => {
  const path = directoryWith(t, {
    't:d.diskqueue.000003.dat': records(9),
    't:d.diskqueue.000004.dat': records(9),
    't:d.diskqueue.meta.dat': '7\n3,0\n4,99\n',
    'u.diskqueue.000000.dat': records(5000),
    'u.diskqueue.000001.dat': Buffer.concat([records(2), Buffer.from([0, 0, 0])]),
    'u.diskqueue.000001.dat.bad': records(4),
    'v:e.diskqueue.000000.dat': Buffer.concat([records(1), Buffer.alloc(40, 0xff)]),
  });

  const orphans = findOrphans(path, SAVED);

  assert.deepEqual(orphans, [
    { topic: 't', channel: 'd', fileCount: 2, messageCount: 7 },
    { topic: 'u', channel: undefined, fileCount: 2, messageCount: 5002 },
    { topic: 'v', channel: 'e', fileCount: 1, messageCount: 1 },
  ]);
  assert.equal(
    describeOrphans(orphans),
    '3 disk queues with 5010 messages: "t:d" (7 messages in 2 files), ' +
      '"u" (5002 messages in 2 files), "v:e" (1 messages in 1 files)',
  );
});

test('findOrphans: passes over empty queues and names that no topic or channel can have', (t) => {
  const path = directoryWith(t, {
    'u.diskqueue.meta.dat': '0\n3,0\n3,0\n',
    'v.diskqueue.000000.dat': '',
    'a b.diskqueue.000000.dat': records(1),
    'a:b c.diskqueue.000000.dat': records(1),
    'a:b:c.diskqueue.000000.dat': records(1),
  });

  assert.deepEqual(findOrphans(path, SAVED), []);
});

test('describeOrphans: names ten of many', () => {
  const orphans = Array.from({ length: 12 }, (_, i) => ({
    topic: topicNamed(`t${i}`),
    channel: undefined,
    fileCount: 1,
    messageCount: 2,
  }));

  const text = describeOrphans(orphans);

  assert.match(
    text,
    /^12 disk queues with 24 messages: "t0" .*"t9" \(2 messages in 1 files\) and 2 more$/,
  );
});

test('adopt: adds topics and channels to those that are saved', () => {
  const orphan = { fileCount: 1, messageCount: 1 };

  const adopted = adopt(SAVED, [
    { ...orphan, topic: T, channel: channelNamed('d') },
    { ...orphan, topic: topicNamed('u'), channel: channelNamed('e') },
    { ...orphan, topic: topicNamed('v'), channel: undefined },
  ]);

  assert.deepEqual(adopted, [
    {
      name: 't',
      isPaused: true,
      channels: [
        { name: 'c', isPaused: false },
        { name: 'd', isPaused: false },
      ],
    },
    { name: 'u', isPaused: false, channels: [{ name: 'e', isPaused: false }] },
    { name: 'v', isPaused: false, channels: [] },
  ]);
  assert.equal(SAVED[0].channels.length, 1);
});
