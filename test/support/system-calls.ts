/**
 * The system calls of a process in the output of `strace -f -y`: when each began and ended, in one order for all
 * threads.
 *
 * Thread: any.
 */

import { spawnSync } from 'node:child_process';

/** One call. `begin` and `end` are lines of the trace; `text` contains the arguments and the result. */
export interface SystemCall {
  readonly name: string;
  readonly text: string;
  readonly begin: number;
  readonly end: number;
}

const CALL = /^(\d+) +(\w+)\((.*)$/;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/;
const UNFINISHED = /<unfinished \.\.\.>$/;

/** Whether system calls can be traced on this machine. */
export function canTrace(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
}

/** The command that runs a program and writes these of its calls to a file. */
export function traced(calls: readonly string[], file: string): string[] {
  return ['strace', '-f', '-y', '-s', '400', '-e', `trace=${calls.join(',')}`, '-o', file];
}

/** The calls of a trace that have ended, in the order of their ends. */
export function parseTrace(trace: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { name: string; text: string; begin: number }>();
  for (const [line, content] of trace.split('\n').entries()) {
    const [, process = '', name = '', text = ''] = CALL.exec(content) ?? [];
    if (name !== '' && UNFINISHED.test(text)) {
      unfinished.set(process, { name, text: text.replace(UNFINISHED, ''), begin: line });
    } else if (name !== '') calls.push({ name, text, begin: line, end: line });
    const [, resumed = '', , rest = ''] = RESUMED.exec(content) ?? [];
    const first = unfinished.get(resumed);
    if (first === undefined) continue;
    unfinished.delete(resumed);
    calls.push({ ...first, text: first.text + rest, end: line });
  }
  return calls;
}
