import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemErrorText } from '../../../src/daemon/system-error.ts';
import {
  readGivenFile,
  readGivenFileSync,
  readGivenText,
  readGivenTextSync,
} from '../../../src/shared/given-file.ts';

const BYTES_MAX = 16 * 1024 * 1024;
/** POSIX has it, on every machine but Windows. */
const MAKE_PIPE = 'mkfifo';
const SKIP = process.platform === 'win32' ? 'there are no named pipes among the files' : false;

function makeDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** Why neither function reads it. */
async function faultsOf(path: string): Promise<string[]> {
  const faults: string[] = [];
  try {
    readGivenFileSync(path);
  } catch (error) {
    faults.push(systemErrorText(error));
  }
  await readGivenFile(path).catch((error: unknown) => faults.push(systemErrorText(error)));
  return faults;
}

for (const bytes of [0, 1, 65_536, 65_537, BYTES_MAX]) {
  test(`given file: ${bytes} bytes are read as they are`, async (t) => {
    const path = join(makeDirectory(t), 'file');
    const content = Buffer.alloc(bytes, 'content of a file\n');
    writeFileSync(path, content);

    assert.ok(readGivenFileSync(path).equals(content));
    assert.ok((await readGivenFile(path)).equals(content));
  });
}

test('given file: one that is larger than any such file is refused', async (t) => {
  const path = join(makeDirectory(t), 'file');
  writeFileSync(path, '');
  truncateSync(path, BYTES_MAX + 1);

  const why = `it has more than ${BYTES_MAX} bytes`;
  assert.deepEqual(await faultsOf(path), [why, why]);
});

test('given file: a directory, a loop of links, and nothing at all are named', async (t) => {
  const directory = makeDirectory(t);
  const loop = join(directory, 'loop');
  symlinkSync(loop, loop);

  const faults = await Promise.all([directory, loop, join(directory, 'none')].map(faultsOf));

  assert.deepEqual(
    faults,
    ['it is a directory, not a file', 'too many symbolic links', 'it does not exist'].map((why) => [
      why,
      why,
    ]),
  );
});

test('given file: a named pipe without a writer and a device without an end are not waited for', {
  skip: SKIP,
}, async (t) => {
  const pipe = join(makeDirectory(t), 'pipe');
  assert.equal(spawnSync(MAKE_PIPE, [pipe]).status, 0);

  const faults = await Promise.all([pipe, '/dev/zero'].map(faultsOf));

  const refusals = ['it is a named pipe, not a file', `it has more than ${BYTES_MAX} bytes`];
  assert.deepEqual(
    faults,
    refusals.map((why) => [why, why]),
  );
  assert.equal(readGivenFileSync('/dev/null').length, 0);
});

test('given file: a pipe that a shell has opened is read to its end', { skip: SKIP }, () => {
  const script = `
    import { readGivenFileSync } from './src/shared/given-file.ts';
    process.stdout.write(readGivenFileSync('/dev/fd/0'));
  `;
  const shell = '{ printf one; sleep 0; printf two; } | "$0" --input-type=module -e "$1"';

  const { stdout, stderr } = spawnSync('sh', ['-c', shell, process.execPath, script], {
    encoding: 'utf8',
  });

  assert.deepEqual([stdout, stderr], ['onetwo', '']);
});

test('given file: a text of another encoding is refused, with its line', async (t) => {
  const path = join(makeDirectory(t), 'file');
  writeFileSync(path, Buffer.from('first = 1\nsecond = "\u00e4"\nthird = "\u00f6"', 'latin1'));

  const reason = /^Error: line 2: it is not UTF-8, in which the file must be saved$/;
  assert.throws(() => readGivenTextSync(path), reason);
  await assert.rejects(readGivenText(path), reason);
});

test('given file: a text is read as it is', async (t) => {
  const path = join(makeDirectory(t), 'file');
  const text = 'gr\u00fc\u00dfe = "\u{1f600}"\r\n';
  writeFileSync(path, text);

  assert.deepEqual([readGivenTextSync(path), await readGivenText(path)], [text, text]);
});
