/**
 * Starts `ringmq` as a process of its own: a broker, or another command.
 *
 * It is in a group of its own, so that a signal of the terminal reaches only the supervisor, which ends all of them
 * cleanly. It ends cleanly when the supervisor is gone.
 *
 * Thread: main.
 */

import { spawn } from 'node:child_process';
import { type Serving, SUPERVISED_VARIABLE } from '../../daemon/supervisor-link.ts';
import { LineSplitter } from './line-splitter.ts';

/** How a process has ended. */
export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** The listener of a process. */
export interface ChildListener {
  onLine(line: string): void;
  onServing(serving: Serving): void;
  /** Called once, as the last call. */
  onEnded(ending: Ending): void;
}

/** A process that runs or has ended. */
export interface Child {
  readonly pid: number | undefined;
  signal(name: NodeJS.Signals): void;
}

/** Starts a process. */
export type LaunchChild = (words: readonly string[], listener: ChildListener) => Child;

/** Settings for the supervisor alone: systemd's variables, and Node's debugger. */
const OWN_VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'];
const OWN_NODE_OPTION = /^--inspect/;

/** Starts the program of this process with other words. */
export function launchChild(words: readonly string[], listener: ChildListener): Child {
  const nodeOptions = process.execArgv.filter((word) => !OWN_NODE_OPTION.test(word));
  const env: NodeJS.ProcessEnv = { ...process.env, [SUPERVISED_VARIABLE]: '1' };
  for (const name of OWN_VARIABLES) delete env[name];
  const child = spawn(process.execPath, [...nodeOptions, process.argv[1], ...words], {
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    const lines = new LineSplitter((line) => listener.onLine(line));
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => lines.add(text));
    stream?.on('end', () => lines.end());
  }
  child.on('message', (message) => {
    if (isServing(message)) listener.onServing(message);
  });
  child.on('error', (error) => listener.onLine(`cannot be started - ${error.message}`));
  child.on('close', (code, signal) => listener.onEnded({ code, signal }));
  return {
    pid: child.pid,
    signal: (name) => void child.kill(name),
  };
}

function isServing(message: unknown): message is Serving {
  return (
    typeof message === 'object' &&
    message !== null &&
    'tcpPort' in message &&
    typeof message.tcpPort === 'number' &&
    'httpPort' in message &&
    typeof message.httpPort === 'number'
  );
}
