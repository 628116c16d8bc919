/**
 * Brokers as processes of their own, on ports that the system chooses, in a temporary directory.
 *
 * Thread: main.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRY = 'src/main/start.cjs';
/** Runs what follows with a bound on the size of every file that it writes; larger writes fail. */
const WITH_FILE_LIMIT = ['-c', 'ulimit -f "$0" && exec "$@"'];

/** Whatever runs clean-ups at its end: a test, or with node:test's own `after` a file of tests. */
export type CleanUp = { after(fn: () => Promise<void>): void };

/** How a process ended. */
export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** How a broker is started. */
export type BrokerSetup = {
  /** A bare word before the flags. */
  readonly command?: string;
  /** Added to those that name the ports and the data directory. */
  readonly flags?: readonly string[];
  /** Options of Node itself. */
  readonly nodeFlags?: readonly string[];
  /** Blocks (512 or 1024 bytes) that a file may have, as of a disk that is full. POSIX systems only. */
  readonly fileBlocksMax?: number;
};

/** A data directory and the brokers that were started on it: they are killed, and it is removed, at the end. */
export class BrokerSite {
  readonly dataPath: string;

  readonly #brokers: BrokerProcess[] = [];

  constructor(t: CleanUp) {
    this.dataPath = mkdtempSync(join(tmpdir(), 'ringmq-e2e-'));
    t.after(async () => {
      for (const broker of this.#brokers) await broker.kill();
      rmSync(this.dataPath, { recursive: true });
    });
  }

  /** Starts a broker. Resolves when it listens. Errors: rejects with its log when it ends before. */
  async start(setup: BrokerSetup = {}): Promise<BrokerProcess> {
    const broker = this.launch(setup);
    await broker.listening();
    return broker;
  }

  /** Starts a broker that may or may not come to listen. */
  launch({
    command: word,
    flags = [],
    nodeFlags = [],
    fileBlocksMax,
  }: BrokerSetup = {}): BrokerProcess {
    const command = [
      process.execPath,
      ...nodeFlags,
      ENTRY,
      ...(word === undefined ? [] : [word]),
      '--tcp-address=127.0.0.1:0',
      '--http-address=127.0.0.1:0',
      `--data-path=${this.dataPath}`,
      ...flags,
    ];
    const [program, ...words] =
      fileBlocksMax === undefined
        ? command
        : ['sh', ...WITH_FILE_LIMIT, String(fileBlocksMax), ...command];
    return this.adopt(spawn(program, words, { cwd: PROJECT, stdio: ['ignore', 'ignore', 'pipe'] }));
  }

  /** Takes over a process that logs as a broker does on its standard error. */
  adopt(child: ChildProcess): BrokerProcess {
    const broker = new BrokerProcess(child);
    this.#brokers.push(broker);
    return broker;
  }
}

/** A broker that runs, or did. */
export class BrokerProcess {
  /** Resolves when the process has ended and its log is read to the end. */
  readonly ended: Promise<Ending>;
  tcpPort = 0;
  httpPort = 0;

  readonly #child: ChildProcess;
  #log = '';
  #hasEnded = false;
  /** Called whenever there is more of the log, and at the end. */
  #onNews: () => void = () => undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    const log = child.stderr;
    if (log === null) throw new Error('start a broker with a pipe for its log');
    log.setEncoding('utf8');
    log.on('data', (text: string) => {
      this.#log += text;
      this.#onNews();
    });
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      this.#onNews();
      return { code, signal };
    });
  }

  /** Everything that was logged. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the broker could not be started');
    return pid;
  }

  /** Resolves when the ports are known. */
  async listening(): Promise<void> {
    this.tcpPort = Number((await this.logged(/TCP: listening on .*:(\d+)$/m))[1]);
    this.httpPort = Number((await this.logged(/HTTP: listening on .*:(\d+)$/m))[1]);
  }

  /** Resolves when the log has such a text, be it old. Errors: rejects when the broker ends without. */
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

  /** Ends the broker as an operator does. */
  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.signal(name);
    return await this.ended;
  }

  /** Ends the broker as a power cut does. */
  kill(): Promise<Ending> {
    return this.stop('SIGKILL');
  }

  /** Resident memory, where the system tells it. Units: MiB. */
  residentMib(): number | undefined {
    if (process.platform !== 'linux') return undefined;
    const kib = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    return kib === null ? undefined : Number(kib[1]) / 1024;
  }
}
