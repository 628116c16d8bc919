/**
 * Ends the process.
 *
 * `process.exit` waits for the threads of Node's pool and their system calls, even if a name server does not answer
 * or a disk hangs. Nothing is lost by cutting these off. So if one does not end, the process replaces itself with a
 * program that exits at once with the same code, and the system ends all threads.
 *
 * Thread: main.
 */

import { accessSync, constants } from 'node:fs';
import { SystemClock } from '../shared/clock.ts';
import { nextTurn } from './slices.ts';

/** Node's names of the requests that run on the thread pool. */
const POOL_REQUEST = /^(?:FSReq|GetAddrInfoReq|GetNameInfoReq)/;
const SHELL = '/bin/sh';
/** How many times the thread pool is checked before the end, and the time between checks. */
const LOOKS_MAX = 10;
const LOOK_MS = 10;

/**
 * Ends the process with this code. Waits for its thread pool for at most a tenth of a second: the program that replaces
 * the process makes system calls of its own, and would exit with another code if they failed. Never resolves.
 */
export async function exitProcess(code: number): Promise<never> {
  // Until the next turn Node counts the request whose end is being handled.
  await nextTurn();
  const clock = new SystemClock();
  for (let looks = 0; looks < LOOKS_MAX && isPoolBusy(); looks++) {
    await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
  }
  if (isPoolBusy()) cutThreads(code);
  process.exit(code);
}

function isPoolBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => POOL_REQUEST.test(name));
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
