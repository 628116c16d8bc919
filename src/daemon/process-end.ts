/**
 * The last act of the process.
 *
 * `process.exit` waits for the threads of Node's pool, and with them for whatever they ask of the system: a name
 * server that does not answer, a disk that hangs. Nothing is lost with what they do, so where one is under way, the
 * process becomes another program instead, which ends at once with the same code. The system ends all threads then.
 *
 * Thread: main.
 */

import { accessSync, constants } from 'node:fs';

/** Requests that a thread of the pool may have begun, by the names that Node gives them. */
const POOL_REQUEST = /^(?:FSReq|GetAddrInfoReq|GetNameInfoReq)/;
const SHELL = '/bin/sh';

/** Ends the process with this code, whatever its pool is waiting for. */
export function exitProcess(code: number): never {
  if (process.getActiveResourcesInfo().some((name) => POOL_REQUEST.test(name))) cutThreads(code);
  process.exit(code);
}

/** Ends the process with this code, and every thread in the middle of what it does. */
export function cutThreads(code: number): never {
  // Node warns that this is experimental, later than there is a later.
  if (process.execve !== undefined && process.platform !== 'win32') {
    const [program, ...words] = enderOf(code);
    process.execve(program, [program, ...words], {});
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('the process has ended');
}

/** A program that does nothing but to end with a code; a container may have none but Node. */
function enderOf(code: number): string[] {
  try {
    accessSync(SHELL, constants.X_OK);
    return [SHELL, '-c', `exit ${code}`];
  } catch {
    return [process.execPath, '--eval', `process.exitCode = ${code}`];
  }
}
