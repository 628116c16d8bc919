/**
 * One process per data directory.
 *
 * nsqd holds an exclusive `flock` on the directory itself, and so does this, so that the two exclude each other.
 * Node cannot lock, but a lock belongs to the open file description, which a child process shares with this one:
 * a small program locks the descriptor it inherits and ends, and the lock stays until this process closes the
 * directory or dies, however it dies. Where there is no such program, a local socket named after the directory
 * excludes other brokers of this kind on this machine, though not nsqd. Every broker takes it, so that one that finds
 * such a program and one that does not exclude each other too.
 *
 * Thread: main, at start-up and at the end.
 * Source: nsq `internal/dirlock`.
 */

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { accessSync, close, closeSync, constants, openSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { lockHolder } from './lock-holder.ts';

/** A directory that is this process's own. */
export interface DataLock {
  /** Lets others have the directory. May be called again. */
  release(): Promise<void>;
}

/** A program that takes an exclusive lock on descriptor 3 without waiting, and ends with 1 if another has it. */
export interface LockCommand {
  readonly program: string;
  readonly words: readonly string[];
}

const PERL_FLOCK = `
  use Fcntl ":flock"; use Errno;
  open(my $directory, "<&=", 3) or die "open: $!\\n";
  exit 0 if flock($directory, LOCK_EX | LOCK_NB);
  exit 1 if $!{EWOULDBLOCK};
  print STDERR "flock: $!\\n";
  exit 2;
`;

/** In the order in which they are tried. */
export const LOCK_COMMANDS: readonly LockCommand[] = [
  { program: 'flock', words: ['-n', '3'] },
  { program: 'perl', words: ['-e', PERL_FLOCK] },
];

/** How long a lock command may take: it never waits for the lock. */
const COMMAND_TIMEOUT_MS = 10_000;

/** What the system says when another process has the lock. */
const TAKEN = 'resource temporarily unavailable';

/**
 * Makes the directory this process's own.
 *
 * Errors: throws when there is no such directory, when it cannot be read, and when another process has it.
 */
export async function lockDataPath(
  directory: string,
  warn: (text: string) => void,
  commands: readonly LockCommand[] = LOCK_COMMANDS,
): Promise<DataLock> {
  assertUsable(directory);
  // Windows opens no directories, so there is no descriptor to lock.
  const lock = process.platform === 'win32' ? undefined : lockDescriptor(directory, commands);
  const path = socketPath(directory);
  if (lock === undefined) {
    if (path === undefined) throw failed(directory, 'neither flock nor perl is installed');
    warn(
      `cannot flock directory ${directory}: neither flock nor perl is installed; a real nsqd is not kept out of it`,
    );
    return await lockSocket(directory, path);
  }
  if (path === undefined) return lock;
  try {
    return new BothLocks([lock, await lockSocket(directory, path)]);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** A lock that is several. */
class BothLocks implements DataLock {
  readonly #locks: readonly DataLock[];

  constructor(locks: readonly DataLock[]) {
    this.#locks = locks;
  }

  async release(): Promise<void> {
    for (const lock of this.#locks) await lock.release();
  }
}

/** Undefined when no command is there to take the lock. */
function lockDescriptor(directory: string, commands: readonly LockCommand[]): DataLock | undefined {
  const fd = openSync(directory, 'r');
  try {
    for (const command of commands) {
      const outcome = runLockCommand(command, fd);
      if (outcome === 'missing') continue;
      if (outcome !== 'locked') throw failed(directory, outcome.why);
      return new DescriptorLock(fd);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

function runLockCommand(
  { program, words }: LockCommand,
  fd: number,
): 'locked' | 'missing' | { why: string } {
  const ended = spawnSync(program, words, {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    encoding: 'utf8',
    timeout: COMMAND_TIMEOUT_MS,
    // In a locale that is not installed, perl would complain of it instead.
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (isMissing(ended)) return 'missing';
  if (ended.status === 0) return 'locked';
  const complaint = ended.stderr?.trim() ?? '';
  if (ended.status === 1 && complaint === '') return { why: TAKEN };
  const end = ended.error?.message ?? `${program} ended with ${ended.status ?? ended.signal}`;
  return { why: complaint === '' ? end : complaint };
}

function isMissing({ error }: SpawnSyncReturns<string>): boolean {
  return (
    error !== undefined && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')
  );
}

/** A lock on an open directory: it lasts as long as the descriptor. */
class DescriptorLock implements DataLock {
  #fd: number | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async release(): Promise<void> {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    // The descriptor is gone even if it fails to close, and the lock with it.
    close(fd, () => undefined);
  }
}

/** Listens where only one process can, under a name that the system forgets with the process. */
async function lockSocket(directory: string, path: string): Promise<DataLock> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => {
    reject(failed(directory, error.code === 'EADDRINUSE' ? TAKEN : error.message));
  });
  server.listen(path, resolve);
  await promise;
  // The lock alone keeps no process alive.
  server.unref();
  return new SocketLock(server);
}

class SocketLock implements DataLock {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  async release(): Promise<void> {
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }
}

/** A socket's path that needs no file and is the same for every way to write the directory's path. */
function socketPath(directory: string): string | undefined {
  const { dev, ino } = statSync(directory, { bigint: true });
  const name = `ringmq-data-${dev}-${ino}`;
  // The leading zero makes a name of Linux's that is no file.
  if (process.platform === 'linux') return `\0${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return undefined;
}

function assertUsable(directory: string): void {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) throw unusable(directory, 'does not exist');
  if (!stats.isDirectory()) throw unusable(directory, 'is not a directory');
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw unusable(directory, 'cannot be read', error);
  }
}

function unusable(directory: string, why: string, cause?: unknown): Error {
  return new Error(`failed to lock data-path: ${JSON.stringify(directory)} ${why}`, { cause });
}

function failed(directory: string, why: string): Error {
  const action = `failed to lock data-path: cannot flock directory ${directory}`;
  const holder = why === TAKEN ? lockHolder(directory) : undefined;
  const held = holder === undefined ? '' : `; it is held by ${holder}`;
  return new Error(`${action} - ${why} (possibly in use by another instance of nsqd)${held}`);
}
