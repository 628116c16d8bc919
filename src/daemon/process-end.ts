/**
 * Ends the process.
 *
 * `process.exit` waits for the threads of Node's pool and their system calls, even if a name server does not answer
 * or a disk hangs. Nothing is lost by cutting these off. So if one is running, the process replaces itself with a
 * program that exits at once with the same code, and the system ends all threads.
 *
 * Thread: main.
 */

import { accessSync, constants } from 'node:fs';

/** Node's names of the requests that run on the thread pool. */
const POOL_REQUEST = /^(?:FSReq|GetAddrInfoReq|GetNameInfoReq)/;
const SHELL = '/bin/sh';

/** Ends the process with this code without waiting for its thread pool. */
export function exitProcess(code: number): never {
  if (process.getActiveResourcesInfo().some((name) => POOL_REQUEST.test(name))) cutThreads(code);
  process.exit(code);
}

/** Ends the process with this code, and all threads at once. */
export function cutThreads(code: number): never {
  // Node would print its experimental warning only in a later turn, which never comes.
  if (process.execve !== undefined && process.platform !== 'win32') {
    const [program, ...words] = enderOf(code);
    process.execve(program, [program, ...words], {});
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('the process has ended');
}

/** A program that only exits with a code; a container may have none except Node. */
function enderOf(code: number): string[] {
  try {
    accessSync(SHELL, constants.X_OK);
    return [SHELL, '-c', `exit ${code}`];
  } catch {
    // There is no shell here: Node itself exits with the code.
    return [process.execPath, '--eval', `process.exitCode = ${code}`];
  }
}
