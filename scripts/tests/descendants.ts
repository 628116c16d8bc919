/** The processes that a process has started, directly or indirectly. */

import { execFileSync } from 'node:child_process';

/** Kills them, but not the process itself. */
export function killDescendants(pid: number): void {
  for (const descendant of descendantsOf(pid)) kill(descendant);
}

/** Kills a child of this process with its descendants, unless it has ended and another process has its id. */
export function killChild(pid: number): void {
  const isKnown = rowsOfProcesses().some(
    ([child, parent]) => child === pid && parent === process.pid,
  );
  if (!isKnown) return;
  killDescendants(pid);
  kill(pid);
}

function descendantsOf(pid: number): number[] {
  const rows = rowsOfProcesses();
  const found = [pid];
  for (const parent of found) {
    for (const [child, of] of rows) if (of === parent && child !== undefined) found.push(child);
  }
  return found.slice(1);
}

/** The id and the parent's id of each process. */
function rowsOfProcesses(): number[][] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    const hasEnded = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!hasEnded) throw error;
  }
}
