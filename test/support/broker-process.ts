/**
 * Brokers as separate processes, on ports that the system chooses, in a temporary directory.
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
/** Runs the following command with a limit on the size of every file that it writes; larger writes fail. */
const WITH_FILE_LIMIT = ['-c', 'ulimit -f "$0" && exec "$@"'];

/** Something that runs clean-up steps at its end: a test, or with node:test's own `after` a test file. */
export type CleanUp = { after(fn: () => Promise<void>): void };

/** How a broker is started. */
export type BrokerSetup = {
  /** A word without dashes before the flags. */
  readonly command?: string;
  /** Added to the flags for the ports and the data directory. */
  readonly flags?: readonly string[];
  /** Options of Node itself. */
  readonly nodeFlags?: readonly string[];
  /** A program that starts the broker, with its arguments; the broker's command is appended. */
  readonly launcher?: readonly string[];
  /** The maximum size of a file in blocks of 512 or 1024 bytes, to imitate a full disk. POSIX systems only. */
  readonly fileBlocksMax?: number;
};

/** A data directory and the brokers that were started in it. At the end they are killed, and it is removed. */
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

  /** Starts a broker. Resolves when it listens. Errors: rejects with its log if it ends before. */
  async start(setup: BrokerSetup = {}): Promise<BrokerProcess> {
    const broker = this.launch(setup);
    await broker.listening();
    return broker;
  }

  /** Starts a broker that may fail to listen. */
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

  /** Takes over a process that logs like a broker on its standard error. */
  adopt(child: ChildProcess): BrokerProcess {
    const broker = new BrokerProcess(child);
    this.#brokers.push(broker);
    return broker;
  }
}
