import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AccessCheck, checkRights } from '../../../../src/main/storage/rights.ts';
import { SystemError } from '../../../support/system-error.ts';

/** POSIX has it, on every machine but Windows. */
const MAKE_PIPE = 'mkfifo';

function makeDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** Refuses these paths, each with a code, for these modes or any. */
function refusing(refused: ReadonlyMap<string, string>, modes = ~0): AccessCheck {
  return (path, mode) => {
    const code = refused.get(path);
    if (code !== undefined && (mode & modes) !== 0) throw new SystemError(code, 'access', path);
  };
}

const user = process.getuid?.();
const GIVE =
  user === undefined
    ? 'give the user that runs the broker the right to do so'
    : `make it this user's, for example with chown -R ${user} `;

test('checkRights: a directory with nothing in it, and one with files that can be used, are well', (t) => {
  const path = makeDirectory(t);
  const empty = checkRights(path);
  mkdirSync(join(path, '.ringmq'));
  for (const name of ['nsqd.dat', 't.diskqueue.meta.dat', '.ringmq/t.diskqueue.000000.sums']) {
    writeFileSync(join(path, name), '');
  }

  assert.deepEqual([empty, checkRights(path)], [null, null]);
});

test('checkRights: a .ringmq that is no directory is refused, with what to do', (t) => {
  const path = makeDirectory(t);
  const sidecars = join(path, '.ringmq');
  const message = `"${sidecars}" is not a directory: move it away, the broker keeps due times and checksums there`;

  writeFileSync(sidecars, '');
  assert.throws(() => checkRights(path), { message });
  rmSync(sidecars);
  symlinkSync(join(path, 'nowhere'), sidecars);
  assert.throws(() => checkRights(path), { message });
});

test('checkRights: a .ringmq of another user is refused, with what to do', (t) => {
  const path = makeDirectory(t);
  const sidecars = join(path, '.ringmq');
  mkdirSync(sidecars);

  assert.throws(
    () => checkRights(path, refusing(new Map([[sidecars, 'EACCES']]))),
    (error: Error) =>
      error.message.startsWith(`"${sidecars}" cannot be read and written (EACCES): ${GIVE}`),
  );
});

test('checkRights: every file of a queue and beside it is asked for, and how many are refused is told', (t) => {
  const path = makeDirectory(t);
  mkdirSync(join(path, '.ringmq'));
  const names = ['t.diskqueue.000000.dat', 'nsqd.dat', '.ringmq/t.diskqueue.000000.notes'];
  const refused = new Map<string, string>();
  for (const name of names) {
    writeFileSync(join(path, name), '');
    refused.set(join(path, name), 'EACCES');
  }
  writeFileSync(join(path, 'notes.txt'), '');
  refused.set(join(path, 'notes.txt'), 'EACCES');

  assert.throws(
    () => checkRights(path, refusing(refused, constants.W_OK)),
    (error: Error) =>
      /^"[^"]*", and 2 more files, cannot be read and written \(EACCES\): /.test(error.message),
  );
});

test('checkRights: an immutable file and a directory in the place of a file are named', (t) => {
  const path = makeDirectory(t);
  const file = join(path, 't.diskqueue.000000.dat');
  writeFileSync(file, '');
  assert.throws(() => checkRights(path, refusing(new Map([[file, 'EPERM']]), constants.W_OK)), {
    message: `"${file}" cannot be read and written (EPERM): it may be immutable, see lsattr and chattr -i`,
  });

  const directory = join(path, 't.diskqueue.meta.dat');
  mkdirSync(directory);
  assert.throws(() => checkRights(path), {
    message: `"${directory}" is a directory: move it away`,
  });
});

test('checkRights: in a read-only directory it is enough that files can be read', (t) => {
  const path = makeDirectory(t);
  const file = join(path, 'nsqd.dat');
  writeFileSync(file, '');
  const refused = new Map([path, file].map((name) => [name, 'EROFS']));

  const readOnly = checkRights(path, refusing(refused, constants.W_OK));

  assert.equal(readOnly, 'EROFS');
  assert.throws(
    () => checkRights(path, refusing(new Map([...refused, [file, 'EACCES']]), ~0)),
    /nsqd\.dat" cannot be read \(EACCES\)/,
  );
});

for (const name of ['nsqd.dat', 't.diskqueue.000000.dat', '.ringmq/t.diskqueue.000000.notes']) {
  test(`checkRights: a link to nothing or to itself, and a named pipe, as ${name} are refused`, {
    skip: process.platform === 'win32' ? 'there are no named pipes among the files' : false,
  }, (t) => {
    const path = makeDirectory(t);
    mkdirSync(join(path, '.ringmq'));
    const file = join(path, name);
    const nothing = `"${file}" is a symbolic link that leads to no file: move it away`;

    for (const target of [join(path, 'nowhere'), file]) {
      symlinkSync(target, file);
      assert.throws(() => checkRights(path), { message: nothing });
      rmSync(file);
    }
    assert.equal(spawnSync(MAKE_PIPE, [file]).status, 0);
    assert.throws(() => checkRights(path), {
      message: `"${file}" is a named pipe, not a file: move it away`,
    });
    rmSync(file);
    symlinkSync('/dev/null', file);
    assert.throws(() => checkRights(path), {
      message: `"${file}" is a device, not a file: move it away`,
    });
  });
}

test("checkRights: a link to a directory in the place of a queue's file is refused", (t) => {
  const path = makeDirectory(t);
  const file = join(path, 't.diskqueue.000000.dat');
  symlinkSync(tmpdir(), file);

  assert.throws(() => checkRights(path), { message: `"${file}" is a directory: move it away` });
});

test('checkRights: a link to a file is well', (t) => {
  const path = makeDirectory(t);
  writeFileSync(join(path, 'elsewhere'), '');
  symlinkSync(join(path, 'elsewhere'), join(path, 'nsqd.dat'));

  assert.equal(checkRights(path), null);
});
