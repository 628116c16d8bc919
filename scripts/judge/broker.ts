/**
 * A broker that a script starts and judges: a process of its own, on ports that the system chooses, of whose log
 * only the end is kept.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const PROJECT = path.dirname(path.dirname(import.meta.dirname));
const LOG_CHARACTERS_MAX = 64 * 1024;
const FULL = /listening on .*:(\d+)$/;

/** How a process ended. */
export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** What is started. */
export type JudgedSetup = {
  /** A command for the shell that gets the flags; the project's own broker without it. */
  readonly server?: string | undefined;
  readonly dataPath: string;
  /** Added to those that name the ports and the data directory. */
  readonly flags?: readonly string[];
};

export class JudgedBroker {
  /** Resolves when the process has ended. */
  readonly ended: Promise<Ending>;
  tcpPort = 0;
  httpPort = 0;

  readonly #child: ChildProcess;
  readonly #listening = Promise.withResolvers<void>();
  #log = '';
  #line = '';
  #hasEnded = false;

  /** Starts a broker. Resolves when it listens. Errors: rejects with the end of its log when it ends before. */
  static async start(setup: JudgedSetup): Promise<JudgedBroker> {
    const broker = new JudgedBroker(setup);
    await broker.listening();
    return broker;
  }

  /** Starts a broker that may be killed before it listens. */
  constructor({ server, dataPath, flags = [] }: JudgedSetup) {
    const all = [
      '--tcp-address=127.0.0.1:0',
      '--http-address=127.0.0.1:0',
      `--data-path=${dataPath}`,
      ...flags,
    ];
    const own = [process.execPath, path.join(PROJECT, 'src/main/start.cjs'), ...all];
    const [program, ...words] =
      server === undefined ? own : ['sh', '-c', `exec ${server} "$@"`, 'sh', ...all];
    this.#child = spawn(program, words, { cwd: PROJECT, stdio: ['ignore', 'ignore', 'pipe'] });
    // whoever ends the script does not leave the broker behind
    const onExit = (): void => void this.#child.kill('SIGKILL');
    process.on('exit', onExit);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      process.off('exit', onExit);
      this.#listening.reject(new Error(`the broker ended before it listened:\n${this.#log}`));
      return { code, signal };
    });
    // not everybody waits for it
    this.#listening.promise.catch(() => undefined);
  }

  /** The end of what was logged. */
  get log(): string {
    return this.#log + this.#line;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  listening(): Promise<void> {
    return this.#listening.promise;
  }

  /** Ends the broker as an operator does, unless told otherwise. */
  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.#child.kill(name);
    return await this.ended;
  }

  /** Ends the broker as a power cut does. */
  kill(): Promise<Ending> {
    return this.stop('SIGKILL');
  }

  /** The text of the answer to a request. Errors: rejects unless the answer is 200. */
  async ask(pathAndQuery: string, method: 'GET' | 'POST' = 'GET'): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.httpPort}${pathAndQuery}`, { method });
    const text = await response.text();
    if (response.status === 200) return text;
    throw new Error(`ask for "${pathAndQuery}": ${response.status} ${text}`);
  }

  #take(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = (lines.pop() ?? '').slice(-LOG_CHARACTERS_MAX);
    if (this.httpPort === 0 || this.tcpPort === 0) {
      for (const line of lines) this.#readPort(line);
    }
    this.#log = `${this.#log}${lines.join('\n')}${lines.length > 0 ? '\n' : ''}`;
    if (this.#log.length > 2 * LOG_CHARACTERS_MAX) this.#log = this.#log.slice(-LOG_CHARACTERS_MAX);
  }

  #readPort(line: string): void {
    const port = Number(FULL.exec(line)?.[1] ?? 0);
    if (line.includes('TCP: ')) this.tcpPort = port || this.tcpPort;
    else if (line.includes('HTTP: ')) this.httpPort = port || this.httpPort;
    if (this.tcpPort !== 0 && this.httpPort !== 0) this.#listening.resolve();
  }
}

/** Resident memory of a process; undefined where the system does not tell, or when it has ended. Units: MiB. */
export function residentMib(pid: number): number | undefined {
  const status = ofProcess(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  const kib = /^VmRSS:\s*(\d+) kB$/m.exec(status ?? '');
  return kib === null ? undefined : Number(kib[1]) / 1024;
}

/** Open descriptors of a process; undefined where the system does not tell, or when it has ended. */
export function descriptorCount(pid: number): number | undefined {
  return ofProcess(() => readdirSync(`/proc/${pid}/fd`).length);
}

function ofProcess<T>(read: () => T): T | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return read();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
