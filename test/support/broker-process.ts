/**
 * Brokers as processes of their own, on ports that the system chooses, in a temporary directory.
 *
 * Thread: main.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerProcess } from '../../scripts/kit/broker.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRY = 'src/main/start.cjs';
/** Runs what follows with a bound on the size of every file that it writes; larger writes fail. */
const WITH_FILE_LIMIT = ['-c', 'ulimit -f "$0" && exec "$@"'];

/** Whatever runs clean-ups at its end: a test, or with node:test's own `after` a file of tests. */
export type CleanUp = { after(fn: () => Promise<void>): void };

/** How a broker is started. */
export type BrokerSetup = {
  /** A bare word before the flags. */
  readonly command?: string;
  /** Added to those that name the ports and the data directory. */
  readonly flags?: readonly string[];
  /** Options of Node itself. */
  readonly nodeFlags?: readonly string[];
  /** A program that starts the broker, with its own words: it gets the broker's command behind them. */
  readonly launcher?: readonly string[];
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
    launcher = [],
    fileBlocksMax,
  }: BrokerSetup = {}): BrokerProcess {
    const command = [
      ...launcher,
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
