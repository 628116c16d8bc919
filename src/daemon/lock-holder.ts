/**
 * Finds the process that holds the lock on a directory, where the system shows it: Linux lists the locks of each open
 * file.
 *
 * Thread: main, at the start.
 */

import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';

const PROCESSES = '/proc';

/** `process 4711 (nsqd)`; undefined if none is found, as for a process of another user. */
export function lockHolder(directory: string): string | undefined {
  const path = attempt(() => realpathSync(directory));
  if (path === undefined) return undefined;
  for (const pid of attempt(() => readdirSync(PROCESSES)) ?? []) {
    if (!/^\d+$/.test(pid) || !holdsLock(`${PROCESSES}/${pid}`, path)) continue;
    const name = attempt(() => readFileSync(`${PROCESSES}/${pid}/comm`, 'utf8').trim());
    return name === undefined ? `process ${pid}` : `process ${pid} (${name})`;
  }
  return undefined;
}

function holdsLock(process: string, path: string): boolean {
  return (attempt(() => readdirSync(`${process}/fd`)) ?? []).some((fd) => {
    if (attempt(() => readlinkSync(`${process}/fd/${fd}`)) !== path) return false;
    const facts = attempt(() => readFileSync(`${process}/fdinfo/${fd}`, 'utf8')) ?? '';
    return /^lock:.*FLOCK/m.test(facts);
  });
}

/** A process may end during the search, and processes of other users cannot be inspected. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
