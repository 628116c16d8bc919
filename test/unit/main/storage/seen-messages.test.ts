import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { SeenMessages } from '../../../../src/main/storage/seen-messages.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

async function setup(t: TestContext): Promise<{
  directory: string;
  file: string;
  warnings: string[];
  open: () => SeenMessages;
}> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ringmq-seen-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const warnings: string[] = [];
  const open = (): SeenMessages =>
    new SeenMessages({
      dataPath: directory,
      clock: new ManualClock(),
      logger: {
        info: () => undefined,
        warn: (text) => void warnings.push(text),
        error: () => undefined,
      },
    });
  return { directory, file: path.join(directory, '.ringmq/seen.json'), warnings, open };
}

test('SeenMessages: what is saved is loaded, by topic', async (t) => {
  const { open } = await setup(t);
  await open().save([
    { topic: 'a', seen: Uint8Array.of(0, 255, 7) },
    { topic: 'b', seen: Uint8Array.of(1) },
  ]);

  const loaded = await open().load();

  assert.deepEqual(
    [...loaded].map(([topic, bytes]) => [topic, [...bytes]]),
    [
      ['a', [0, 255, 7]],
      ['b', [1]],
    ],
  );
});

test('SeenMessages: no file, and nothing to save, are no trouble', async (t) => {
  const { open, warnings } = await setup(t);
  await open().save([]);

  assert.deepEqual([(await open().load()).size, warnings], [0, []]);
});

for (const text of ['{', '[]', '{"version":2,"topics":{}}', '{"version":1,"topics":{"a":5}}']) {
  test(`SeenMessages: a file with ${text} is a warning`, async (t) => {
    const { directory, file, open, warnings } = await setup(t);
    await mkdir(path.join(directory, '.ringmq'));
    await writeFile(file, text);

    assert.equal((await open().load()).size, 0);
    assert.match(warnings.join(), /count as new/);
  });
}

test('SeenMessages: a file that cannot be written is a warning', async (t) => {
  const { file, open, warnings } = await setup(t);
  await mkdir(file, { recursive: true });

  await open().save([{ topic: 'a', seen: Uint8Array.of(1) }]);

  assert.match(warnings.join(), /count as new/);
});
