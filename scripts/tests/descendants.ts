/** The processes that a process has started, and those that they have started. */

import { execFileSync } from 'node:child_process';

/** Kills them, and leaves the process itself alone. */
export function killDescendants(pid: number): void {
  for (const descendant of descendantsOf(pid)) kill(descendant);
}

/** Kills a child of this process with its descendants, unless it has ended and its id is another process's by now. */
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

/** For each process its id and its parent's. */
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
