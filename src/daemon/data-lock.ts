/**
 * Ensures that only one process uses a data directory.
 *
 * Like nsqd, it holds an exclusive `flock` on the directory itself, so that the two exclude each other. Node has no
 * such call, but a lock belongs to the open file description, which a child process shares: a small program locks the
 * descriptor that it inherits and exits, and the lock remains until this process closes the directory or dies. In
 * addition every broker listens on a local socket named after the directory. Where no such program is installed, the
 * socket still excludes other RingMQ brokers on this machine, though not nsqd.
 *
 * Thread: main, at start-up and at the end.
 * Source: nsq `internal/dirlock`.
 */

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { accessSync, close, closeSync, constants, openSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { lockHolder } from './lock-holder.ts';

/** The lock on a directory. */
export interface DataLock {
  /** Releases the directory. Idempotent. */
  release(): Promise<void>;
}

/** Another process has the directory, or another broker of this one. */
export class DataPathInUse extends Error {}

/**
 * A program that takes an exclusive lock on descriptor 3 without waiting, and exits with 1 if another process has it.
 */
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

/** In the order of attempts. */
export const LOCK_COMMANDS: readonly LockCommand[] = [
  { program: 'flock', words: ['-n', '3'] },
  { program: 'perl', words: ['-e', PERL_FLOCK] },
];

/** Time limit of a lock command, which never waits for the lock. */
const COMMAND_TIMEOUT_MS = 10_000;

/** The system's error when another process has the lock. */
const TAKEN = 'resource temporarily unavailable';

/**
 * Locks the directory for this process.
 *
 * Errors: throws when there is no such directory, when it cannot be read, and when another process has it.
 */
export async function lockDataPath(
  directory: string,
  warn: (text: string) => void,
  commands: readonly LockCommand[] = LOCK_COMMANDS,
): Promise<DataLock> {
  assertUsable(directory);
  // Windows cannot open directories, so there is no descriptor to lock.
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

/** The `flock` and the socket together. */
class BothLocks implements DataLock {
  readonly #locks: readonly DataLock[];

  constructor(locks: readonly DataLock[]) {
    this.#locks = locks;
  }

  async release(): Promise<void> {
    for (const lock of this.#locks) await lock.release();
  }
}

/** Undefined if no lock command is installed. */
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
    // With a locale that is not installed, perl would print a warning about it.
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

/** A lock on an open directory: it lasts until the descriptor is closed. */
class DescriptorLock implements DataLock {
  #fd: number | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async release(): Promise<void> {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    // Even if the close fails, the descriptor and the lock are gone.
    close(fd, () => undefined);
  }
}

/** Listens under a name that only one process can use and that disappears with the process. */
async function lockSocket(directory: string, path: string): Promise<DataLock> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => {
    reject(failed(directory, error.code === 'EADDRINUSE' ? TAKEN : error.message));
  });
  server.listen(path, resolve);
  await promise;
  // The lock alone does not keep the process alive.
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

/** A socket path that needs no file and is the same for every spelling of the directory's path. */
function socketPath(directory: string): string | undefined {
  const { dev, ino } = statSync(directory, { bigint: true });
  const name = `ringmq-data-${dev}-${ino}`;
  // The leading zero byte makes an abstract socket, which has no file.
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
  const text = `${action} - ${why} (possibly in use by another instance of nsqd)${held}`;
  return why === TAKEN ? new DataPathInUse(text) : new Error(text);
}
