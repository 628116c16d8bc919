import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeDirectories } from '../../../src/daemon/directories.ts';
import { DISK_FILES } from '../../../src/daemon/text-files.ts';

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ringmq-directories-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

// The file system behind it refuses every directory with ENOENT; on others the parent is missing or read-only.
const REFUSING = '/proc/ringmq/a/b';

test('makeDirectories: creates what is missing, outermost first, with the mode', async (t) => {
  const root = await scratch(t);

  const made = await makeDirectories(path.join(root, 'a/b/c'), 0o700);
  const again = await makeDirectories(path.join(root, 'a/b/c'), 0o700);

  const modes = await Promise.all(made.map(async (at) => (await stat(at)).mode & 0o777));
  const [a, b, c] = ['a', 'a/b', 'a/b/c'].map((name) => path.join(root, name));
  assert.deepStrictEqual(
    { made, again, modes },
    { made: [a, b, c], again: [], modes: [0o700, 0o700, 0o700] },
  );
});

test('makeDirectories: all of several at once succeed', async (t) => {
  const root = await scratch(t);

  const made = await Promise.all([1, 2, 3].map(() => makeDirectories(path.join(root, 'a/b'))));

  assert.deepStrictEqual(made.flat().sort(), [path.join(root, 'a'), path.join(root, 'a/b')]);
});

test('makeDirectories: a file system that refuses directories ends it with an error', async () => {
  await assert.rejects(makeDirectories(REFUSING), /mkdir '\/proc/);
});

test('makeDirectories: a file among the parents is named', async (t) => {
  const root = await scratch(t);
  const file = path.join(root, 'file');
  await writeFile(file, '');

  await assert.rejects(makeDirectories(path.join(file, 'a/b')), {
    code: 'ENOTDIR',
    message: `${file} is not a directory`,
  });
});

test('makeDirectories: a link to nothing is named', async (t) => {
  const root = await scratch(t);
  const link = path.join(root, 'link');
  await symlink(path.join(root, 'gone'), link);

  await assert.rejects(makeDirectories(path.join(link, 'a')), {
    code: 'ENOTDIR',
    message: `${link} is a link to nothing`,
  });
});

test('text files: a directory that cannot be made is an error', async () => {
  await assert.rejects(DISK_FILES.makeDirectory(REFUSING), /mkdir '\/proc/);
});
