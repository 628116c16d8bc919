import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LOCK_COMMANDS, type LockCommand, lockDataPath } from '../../../src/daemon/data-lock.ts';

const DATA_LOCK = new URL('../../../src/daemon/data-lock.ts', import.meta.url).href;
const TAKEN = 'resource temporarily unavailable';
const FLOCK = LOCK_COMMANDS[0].program;

/** The ways to lock that this machine has, by name; no command at all means the socket. */
const WAYS: readonly (readonly [string, readonly LockCommand[]])[] = [
  ...LOCK_COMMANDS.filter(({ program }) => isInstalled(program)).map(
    (command) => [command.program, [command]] as const,
  ),
  ...(process.platform === 'linux' ? [['a socket', []] as const] : []),
];

for (const [way, commands] of WAYS) {
  test(`lockDataPath: by ${way}, a directory is locked until it is released`, async (t) => {
    const directory = temporaryDirectory(t);
    const first = await lockDataPath(directory, ignore, commands);
    t.after(() => first.release());

    await assert.rejects(lockDataPath(directory, ignore, commands), { message: taken(directory) });
    await first.release();
    await first.release();
    const second = await lockDataPath(directory, ignore, commands);
    await second.release();
  });

  test(`lockDataPath: by ${way}, the lock vanishes with a process that is killed`, async (t) => {
    const directory = temporaryDirectory(t);
    const holder = await startHolder(t, directory, commands);

    await assert.rejects(lockDataPath(directory, ignore, commands), { message: taken(directory) });
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    const lock = await lockDataPath(directory, ignore, commands);
    await lock.release();
  });

  test(`lockDataPath: by ${way}, other directories stay free`, async (t) => {
    const first = await lockDataPath(temporaryDirectory(t), ignore, commands);
    const second = await lockDataPath(temporaryDirectory(t), ignore, commands);

    await first.release();
    await second.release();
  });
}

test('lockDataPath: a broker that finds a lock command and one that does not exclude each other', async (t) => {
  if (process.platform !== 'linux') return t.skip('the socket without a file is of Linux');
  if (!isInstalled(FLOCK)) return t.skip('flock is not installed');
  const directory = temporaryDirectory(t);
  for (const [first, second] of [
    [LOCK_COMMANDS, []],
    [[], LOCK_COMMANDS],
  ]) {
    const lock = await lockDataPath(directory, ignore, first);
    await assert.rejects(lockDataPath(directory, ignore, second), { message: taken(directory) });
    await lock.release();
    // What the refused one has locked it has let go.
    await (await lockDataPath(directory, ignore, second)).release();
  }
});

test('lockDataPath: is kept out by a flock of another program', async (t) => {
  if (!isInstalled(FLOCK)) return t.skip('flock is not installed');
  const directory = temporaryDirectory(t);
  const other = spawn(FLOCK, ['-n', directory, 'sh', '-c', 'echo locked; cat']);
  t.after(() => other.kill('SIGKILL'));
  await once(other.stdout, 'data');

  await assert.rejects(lockDataPath(directory, ignore), { message: taken(directory) });
  const closed = once(other, 'close');
  other.stdin.end();
  await closed;
  const lock = await lockDataPath(directory, ignore);
  await lock.release();
});

test('lockDataPath: keeps other programs out by flock', async (t) => {
  if (!isInstalled(FLOCK)) return t.skip('flock is not installed');
  const directory = temporaryDirectory(t);
  const lock = await lockDataPath(directory, ignore);

  const whileLocked = spawnSync(FLOCK, ['-n', directory, 'true']).status;
  await lock.release();
  const afterwards = spawnSync(FLOCK, ['-n', directory, 'true']).status;

  assert.deepEqual([whileLocked, afterwards], [1, 0]);
});

test('lockDataPath: warns where only a socket can lock', async (t) => {
  if (process.platform !== 'linux') return t.skip('the socket without a file is of Linux');
  const directory = temporaryDirectory(t);
  const warnings: string[] = [];
  const missing = { program: 'ringmq-no-such-program', words: [] };

  const lock = await lockDataPath(directory, (text) => void warnings.push(text), [missing]);
  await lock.release();

  assert.deepEqual(warnings, [
    `cannot flock directory ${directory}: neither flock nor perl is installed; a real nsqd is not kept out of it`,
  ]);
});

test('lockDataPath: tells what a lock command has to say', async (t) => {
  const directory = temporaryDirectory(t);
  const broken = { program: 'sh', words: ['-c', 'echo no locks available >&2; exit 71'] };

  await assert.rejects(lockDataPath(directory, ignore, [broken]), {
    message: taken(directory, 'no locks available'),
  });
});

test('lockDataPath: a lock command speaks the language of the log, whatever the locale', async (t) => {
  const directory = temporaryDirectory(t);
  const speaking = { program: 'sh', words: ['-c', 'echo "$LC_ALL" >&2; exit 71'] };
  const before = process.env['LC_ALL'];
  t.after(() => {
    if (before === undefined) delete process.env['LC_ALL'];
    else process.env['LC_ALL'] = before;
  });
  process.env['LC_ALL'] = 'tr_TR.UTF-8';

  await assert.rejects(lockDataPath(directory, ignore, [speaking]), {
    message: taken(directory, 'C'),
  });
});

test('lockDataPath: tells when a lock command ends in silence', async (t) => {
  const directory = temporaryDirectory(t);
  const broken = { program: 'sh', words: ['-c', 'exit 3'] };

  await assert.rejects(lockDataPath(directory, ignore, [broken]), {
    message: taken(directory, 'sh ended with 3'),
  });
});

test('lockDataPath: refuses a directory that is not there', async (t) => {
  const directory = join(temporaryDirectory(t), 'none');

  await assert.rejects(lockDataPath(directory, ignore), {
    message: `failed to lock data-path: "${directory}" does not exist`,
  });
});

test('lockDataPath: refuses a file', async (t) => {
  const file = join(temporaryDirectory(t), 'file');
  writeFileSync(file, '');

  await assert.rejects(lockDataPath(file, ignore), {
    message: `failed to lock data-path: "${file}" is not a directory`,
  });
});

test('lockDataPath: refuses a directory that cannot be read', (t) => {
  const directory = temporaryDirectory(t);
  chmodSync(directory, 0o333);
  // Root may read everything, so the process becomes somebody else once it has read the program, which that user may
  // not be allowed to.
  const program = `
    import { lockDataPath } from ${JSON.stringify(DATA_LOCK)};
    if (process.getuid?.() === 0) {
      process.setgid(${NOBODY});
      process.setuid(${NOBODY});
    }
    lockDataPath(${JSON.stringify(directory)}, () => undefined).catch(({ message }) => console.log(message));
  `;

  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

  assert.equal(stdout, `failed to lock data-path: "${directory}" cannot be read\n`);
});

/** The user without rights, by custom. */
const NOBODY = 65534;

function ignore(): undefined {
  return undefined;
}

/** Who holds a lock is known where the system tells. */
function taken(directory: string, why = TAKEN): RegExp {
  const action = `failed to lock data-path: cannot flock directory ${directory}`;
  const user = '\\(possibly in use by another instance of nsqd\\)';
  return new RegExp(`^${action} - ${why} ${user}(; it is held by process \\d+ \\(.+\\))?$`);
}

/** A process that has locked the directory, and lives until it is killed. */
async function startHolder(
  t: TestContext,
  directory: string,
  commands: readonly LockCommand[],
): Promise<ChildProcess> {
  const program = `
    import { lockDataPath } from ${JSON.stringify(DATA_LOCK)};
    await lockDataPath(${JSON.stringify(directory)}, () => undefined, ${JSON.stringify(commands)});
    process.stdin.resume();
    process.stdout.write('locked');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function temporaryDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => {
    // A test may have taken away the rights that removing needs.
    chmodSync(path, 0o700);
    rmSync(path, { recursive: true });
  });
  return path;
}
