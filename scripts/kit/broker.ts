/**
 * A broker as a separate process: its log, its ports, and how it ends.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const PROJECT = path.dirname(path.dirname(import.meta.dirname));
/** For brokers that a checker runs for hours. */
const LOG_CHARACTERS_MAX = 64 * 1024;

/** How a process ended. */
export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A broker process, running or ended. */
export class BrokerProcess {
  /** Resolves when the process has ended and its log was read to the end. */
  readonly ended: Promise<Ending>;
  tcpPort = 0;
  httpPort = 0;

  readonly #child: ChildProcess;
  readonly #logCharactersMax: number;
  #log = '';
  #hasEnded = false;
  /** Called whenever there is more of the log, and at the end. */
  #onNews: () => void = () => undefined;

  /** Keeps at least the last `logCharactersMax` characters of the log. */
  constructor(child: ChildProcess, logCharactersMax = Number.POSITIVE_INFINITY) {
    this.#child = child;
    this.#logCharactersMax = logCharactersMax;
    const log = child.stderr;
    if (log === null) throw new Error('start a broker with a pipe for its log');
    log.setEncoding('utf8');
    log.on('data', (text: string) => {
      this.#take(text);
    });
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      this.#onNews();
      return { code, signal };
    });
  }

  /** The log, or the end of it. */
  get log(): string {
    return this.#log;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the broker could not be started');
    return pid;
  }

  /** Resolves when the ports are known. */
  async listening(): Promise<void> {
    this.tcpPort = Number((await this.logged(/TCP: listening on .*:(\d+)\n/))[1]);
    this.httpPort = Number((await this.logged(/HTTP: listening on .*:(\d+)\n/))[1]);
  }

  /** Resolves when the log contains a matching text, old or new. Errors: rejects if the broker ends before. */
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#log);
      if (found !== null) return found;
      if (this.#hasEnded) {
        throw new Error(`the broker ended and never logged ${pattern}:\n${this.#log}`);
      }
      await new Promise<void>((resolve) => {
        const others = this.#onNews;
        this.#onNews = () => {
          this.#onNews = others;
          others();
          resolve();
        };
      });
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Shuts the broker down as an operator does. */
  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.signal(name);
    return await this.ended;
  }

  /** Kills the broker, as a power failure does. */
  kill(): Promise<Ending> {
    return this.stop('SIGKILL');
  }

  /** The text of the answer to a request. Errors: rejects unless the status is 200. */
  async ask(pathAndQuery: string, method: 'GET' | 'POST' = 'GET'): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.httpPort}${pathAndQuery}`, { method });
    const text = await response.text();
    if (response.status === 200) return text;
    throw new Error(`ask for "${pathAndQuery}": ${response.status} ${text}`);
  }

  #take(text: string): void {
    this.#log += text;
    const max = this.#logCharactersMax;
    if (this.#log.length > 2 * max) this.#log = this.#log.slice(-max);
    this.#onNews();
  }
}

/** The program that a checker starts. */
export type CheckedSetup = {
  /** A shell command, to which the flags are added; the project's own broker if missing. */
  readonly server?: string | undefined;
  readonly dataPath: string;
  /** Added to the flags for the ports and the data directory. */
  readonly flags?: readonly string[];
};

/** Starts a broker. Resolves when it listens. Errors: rejects with the end of its log if it ends before. */
export async function startBroker(setup: CheckedSetup): Promise<BrokerProcess> {
  const broker = launchBroker(setup);
  await broker.listening();
  return broker;
}

/** Starts a broker that may be killed before it listens. It ends with the script at the latest. */
export function launchBroker({ server, dataPath, flags = [] }: CheckedSetup): BrokerProcess {
  const all = [
    '--tcp-address=127.0.0.1:0',
    '--http-address=127.0.0.1:0',
    `--data-path=${dataPath}`,
    ...flags,
  ];
  const own = [process.execPath, path.join(PROJECT, 'src/main/start.cjs'), ...all];
  const [program, ...words] =
    server === undefined ? own : ['sh', '-c', `exec ${server} "$@"`, 'sh', ...all];
  const child = spawn(program, words, { cwd: PROJECT, stdio: ['ignore', 'ignore', 'pipe'] });
  const onExit = (): void => void child.kill('SIGKILL');
  process.on('exit', onExit);
  const broker = new BrokerProcess(child, LOG_CHARACTERS_MAX);
  void broker.ended.then(() => process.off('exit', onExit));
  return broker;
}
