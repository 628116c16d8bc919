import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  Metadata,
  type MetadataSource,
  type SavedTopic,
} from '../../../../src/main/topics/metadata.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { channelNamed, topicNamed } from '../../../support/names.ts';

/** As nsqd 1.3.0 writes it. */
const GOLDEN =
  '{"topics":[{"channels":[{"name":"archive","paused":true},{"name":"metrics","paused":false}],' +
  '"name":"orders","paused":false},{"channels":[],"name":"empty","paused":true}],"version":"1.3.0"}';

type Setup = {
  readonly directory: string;
  readonly file: string;
  readonly metadata: Metadata;
  readonly clock: ManualClock;
  readonly warnings: string[];
  /** How often the source was read. */
  readonly reads: () => number;
};

async function setup(t: TestContext, topics: MetadataSource = []): Promise<Setup> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ringmq-metadata-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  let reads = 0;
  const source = (): MetadataSource => {
    reads++;
    return topics;
  };
  const { metadata, clock, log: warnings } = metadataOf(directory, source);
  t.after(() => metadata.stop());
  const file = path.join(directory, 'nsqd.dat');
  return { directory, file, metadata, clock, warnings, reads: () => reads };
}

/** Metadata of a directory, with its clock and what it logs. */
function metadataOf(
  dataPath: string,
  source: () => MetadataSource,
): { metadata: Metadata; clock: ManualClock; log: string[] } {
  const clock = new ManualClock();
  const log: string[] = [];
  const write = (text: string): void => void log.push(text);
  const logger = { info: write, warn: write, error: write };
  return { metadata: new Metadata({ dataPath, source, clock, logger }), clock, log };
}

function topicOf(
  name: string,
  isPaused: boolean,
  channels: readonly (readonly [string, boolean])[],
): MetadataSource {
  const entries = channels.map(
    ([channel, isChannelPaused]) =>
      [channel, { name: channelNamed(channel), isPaused: isChannelPaused }] as const,
  );
  return [{ name: topicNamed(name), isPaused, isReplicated: false, channels: new Map(entries) }];
}

test('Metadata: no file is no topics', async (t) => {
  const { metadata } = await setup(t);

  assert.deepStrictEqual(await metadata.load(), []);
});

test('Metadata: a file of nsqd is read', async (t) => {
  const { metadata, file, warnings } = await setup(t);
  await writeFile(file, GOLDEN);

  const topics = await metadata.load();

  const expected: SavedTopic[] = [
    {
      name: topicNamed('orders'),
      isPaused: false,
      channels: [
        { name: channelNamed('archive'), isPaused: true },
        { name: channelNamed('metrics'), isPaused: false },
      ],
    },
    { name: topicNamed('empty'), isPaused: true, channels: [] },
  ];
  assert.deepStrictEqual([topics, warnings], [expected, []]);
});

test('Metadata: null stands for no topics and no channels, absent for not paused', async (t) => {
  const { metadata, file } = await setup(t);
  await writeFile(file, '{"topics":null}');
  const none = await metadata.load();
  await writeFile(file, '{"topics":[{"name":"t","channels":null}]}');

  const topics = await metadata.load();

  const expected = [{ name: topicNamed('t'), isPaused: false, channels: [] }];
  assert.deepStrictEqual([none, topics], [[], expected]);
});

test('Metadata: invalid names are skipped with a warning', async (t) => {
  const { metadata, file, warnings } = await setup(t);
  const channels = '[{"name":"bad channel"},{"name":"good"},{}]';
  await writeFile(file, `{"topics":[{"name":"!"},{"name":"t","channels":${channels}}]}`);

  const topics = await metadata.load();

  assert.deepStrictEqual(
    topics.map(({ name, channels: saved }) => [name, saved.map((channel) => channel.name)]),
    [['t', ['good']]],
  );
  assert.deepStrictEqual(warnings, [
    'skipping creation of invalid topic !',
    'skipping creation of invalid channel bad channel',
    'skipping creation of invalid channel ',
  ]);
});

const UNREADABLE = [
  '',
  '{',
  '[]',
  '5',
  '{"topics":5}',
  '{"topics":[5]}',
  '{"topics":[{"name":5}]}',
  '{"topics":[{"name":"t","channels":{}}]}',
  `{"topics":${'['.repeat(9000)}${']'.repeat(9000)}}`,
  `{"topics":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
];
for (const text of UNREADABLE) {
  test(`Metadata: a file of ${JSON.stringify(text.slice(0, 40))} is refused and left alone`, async (t) => {
    const { metadata, file } = await setup(t);
    await writeFile(file, text);

    await assert.rejects(
      metadata.load(),
      (error: Error) =>
        error.message.startsWith(`failed to parse metadata in ${file} - `) &&
        error.message.endsWith(
          '; repair the file, or move it away and start with --adopt-orphans, which finds queues by their files',
        ),
    );

    assert.equal(await readFile(file, 'utf8'), text);
  });
}

test('Metadata: a file that is larger than any list of topics is refused unread', async (t) => {
  const { metadata, file } = await setup(t);
  await writeFile(file, '');
  await truncate(file, 300 * 1024 * 1024);

  await assert.rejects(metadata.load(), {
    message: `failed to read metadata from ${file} - it has 314572800 bytes, 268435456 at most`,
  });
});

test('Metadata: a file that cannot be read is no empty file', async (t) => {
  const { metadata, file } = await setup(t);
  await writeFile(path.join(file, '..', 'other'), '');
  await rm(file, { force: true });
  const { metadata: inDirectory } = metadataOf(path.join(file, '..', 'other'), () => []);

  await assert.rejects(inDirectory.load(), (error: Error) =>
    error.message.startsWith('failed to read metadata from '),
  );
  assert.deepStrictEqual(await metadata.load(), []);
});

test("Metadata: what is saved is nsqd's JSON, without what is ephemeral", async (t) => {
  const topics = [
    ...topicOf('orders', false, [
      ['archive', true],
      ['short#ephemeral', false],
      ['metrics', false],
    ]),
    ...topicOf('short#ephemeral', false, [['archive', false]]),
    ...topicOf('quiet', true, [['short#ephemeral', false]]),
  ];
  const { metadata, directory, file } = await setup(t, topics);

  await metadata.save();

  const text = await readFile(file, 'utf8');
  assert.equal(
    text,
    '{"topics":[{"name":"orders","paused":false,"channels":[{"name":"archive","paused":true},' +
      '{"name":"metrics","paused":false}]},{"name":"quiet","paused":true,"channels":null}],' +
      '"version":"1.3.0"}',
  );
  assert.deepStrictEqual(await readdir(directory), ['nsqd.dat']);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('Metadata: no topics are saved as null', async (t) => {
  const { metadata, file } = await setup(t);

  await metadata.save();

  assert.equal(await readFile(file, 'utf8'), '{"topics":null,"version":"1.3.0"}');
});

test('Metadata: what is saved is loaded again', async (t) => {
  const topics = [
    ...topicOf('a', true, [
      ['c', true],
      ['d', false],
    ]),
    ...topicOf('b', false, []),
  ];
  const { metadata } = await setup(t, topics);
  await metadata.save();

  const loaded = await metadata.load();

  const expected = topics.map(({ name, isPaused, channels }) => ({
    name,
    isPaused,
    channels: [...channels.values()],
  }));
  assert.deepStrictEqual(loaded, expected);
});

test('Metadata: saves asked for while one runs share the next', async (t) => {
  const { metadata, reads } = await setup(t);

  await Promise.all(Array.from({ length: 20 }, () => metadata.save()));

  assert.equal(reads(), 2);
});

test('Metadata: two saves never run at the same time', async (t) => {
  const { metadata, reads } = await setup(t);
  const first = metadata.save();
  // Asked for in the moment between two saves.
  const third = first.then(() => metadata.save());
  const second = metadata.save();

  await Promise.all([first, second, third]);

  assert.equal(reads(), 2);
});

test('Metadata: a save that fails leaves the old file and nothing else', async (t) => {
  const broken: MetadataSource = {
    [Symbol.iterator]: () => {
      throw new Error('disk full');
    },
  };
  const { metadata, directory, file } = await setup(t, broken);
  await writeFile(file, GOLDEN);
  const message = `failed to persist metadata to ${file} - disk full`;

  const outcomes = await Promise.allSettled([metadata.save(), metadata.save()]);

  for (const outcome of outcomes) {
    assert.equal(outcome.status === 'rejected' && outcome.reason.message, message);
  }
  assert.equal(await readFile(file, 'utf8'), GOLDEN);
  assert.deepStrictEqual(await readdir(directory), ['nsqd.dat']);
});

test('Metadata: a save that fails is tried again every second, and tells why until one succeeds', async (t) => {
  const { directory } = await setup(t);
  const dataPath = path.join(directory, 'gone');
  const file = path.join(dataPath, 'nsqd.dat');
  const { metadata, clock, log } = metadataOf(dataPath, () => topicOf('orders', false, []));

  await assert.rejects(metadata.save(), /failed to persist metadata to .*gone.*ENOENT/);
  const failure = metadata.failure;
  clock.advance(1000);
  // Shares the save that the clock has begun, or the one behind it.
  await assert.rejects(metadata.save(), /ENOENT/);
  await mkdir(dataPath);
  const saved = metadata.persist();
  clock.advance(1000);
  await saved;

  assert.match(failure ?? '', /^failed to persist metadata to .*gone.*ENOENT/);
  assert.equal(metadata.failure, null);
  assert.equal(
    await readFile(file, 'utf8'),
    '{"topics":[{"name":"orders","paused":false,"channels":null}],"version":"1.3.0"}',
  );
  assert.deepStrictEqual(log, [
    `NSQ: persisting topic/channel metadata to ${file}`,
    `${failure}, trying again`,
    `metadata is persisted to ${file}`,
  ]);
  assert.equal(clock.timerCount, 0);
});

test('Metadata: the save after a failed one needs no request', async (t) => {
  const { directory } = await setup(t);
  const dataPath = path.join(directory, 'gone');
  const { metadata, clock } = metadataOf(dataPath, () => []);
  await assert.rejects(metadata.save());
  await mkdir(dataPath);

  clock.advance(1000);
  while (metadata.failure !== null) await setImmediate();

  assert.deepStrictEqual(await readdir(dataPath), ['nsqd.dat']);
});

test('Metadata: after the end no save is tried again', async (t) => {
  const { directory } = await setup(t);
  const { metadata, clock } = metadataOf(path.join(directory, 'gone'), () => []);
  const saving = metadata.save();
  metadata.stop();

  await assert.rejects(saving);
  await metadata.persist();

  assert.equal(clock.timerCount, 0);
});

test('Metadata: what has not changed is not written again, so a full disk does not matter', async (t) => {
  const topics = topicOf('orders', false, []);
  const { metadata, directory, file } = await setup(t, topics);
  await writeFile(
    file,
    '{"topics":[{"name":"orders","paused":false,"channels":null}],"version":"1.3.0"}',
  );
  const before = await stat(file, { bigint: true });
  await metadata.load();

  await metadata.save();
  await metadata.save();

  const after = await stat(file, { bigint: true });
  assert.deepStrictEqual([after.ino, after.mtimeNs], [before.ino, before.mtimeNs]);
  assert.deepStrictEqual(await readdir(directory), ['nsqd.dat']);
});

test('Metadata: a file that was removed or changed by somebody is written again', async (t) => {
  const { metadata, file } = await setup(t);
  await metadata.save();
  const saved = await readFile(file, 'utf8');

  await rm(file);
  await metadata.save();
  const afterRemoval = await readFile(file, 'utf8');
  await writeFile(file, GOLDEN);
  await metadata.save();

  assert.deepStrictEqual([afterRemoval, await readFile(file, 'utf8')], [saved, saved]);
});
