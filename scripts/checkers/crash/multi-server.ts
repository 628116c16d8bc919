/** `ringmq multi`, of which the crash checker kills one broker, several, or all with their supervisor. */

import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../test/support/seeded-random.ts';
import { BrokerProcess, type CheckedSetup, type Ending } from '../../kit/broker.ts';
import { askPort, type CheckedBroker, type CheckedServer } from './checked-server.ts';

/** The setup. `random` chooses what is killed. */
export type MultiSetup = CheckedSetup & { readonly brokers: number; readonly random: Random };

/** As `/brokers` shows it. */
type Shown = {
  readonly shared_tcp_port: number;
  readonly brokers: readonly {
    readonly state: string;
    readonly pid: number | null;
    readonly tcp_address: string | null;
    readonly http_address: string | null;
    readonly data_path: string;
  }[];
};

const PROJECT = path.resolve(import.meta.dirname, '../../..');
const ANY_PORT = '127.0.0.1:0';
const LOG_CHARACTERS_MAX = 256 * 1024;
const POLL_MS = 20;
/** One in this many kills also kills the supervisor. */
const ALL_EVERY = 4;

export class MultiServer implements CheckedServer {
  tcpPort = 0;
  brokers: readonly CheckedBroker[] = [];
  readonly #process: BrokerProcess;
  readonly #random: Random;
  #pids: readonly number[] = [];
  #overviewPort = 0;
  #isStopping = false;

  constructor({ dataPath, flags = [], brokers, random }: MultiSetup) {
    const words = [
      ...['multi', `--brokers=${brokers}`, `--overview-address=${ANY_PORT}`],
      ...[
        `--bundled-lookupd-tcp-address=${ANY_PORT}`,
        `--bundled-lookupd-http-address=${ANY_PORT}`,
      ],
      ...[`--tcp-address=${ANY_PORT}`, `--http-address=${ANY_PORT}`, `--data-path=${dataPath}`],
      ...flags,
    ];
    const child = spawn(process.execPath, ['scripts/ringmq.cjs', ...words], {
      cwd: PROJECT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = new BrokerProcess(child, LOG_CHARACTERS_MAX);
    this.#random = random;
    // The brokers end by themselves when their supervisor is gone.
    const onExit = (): void => void child.kill('SIGKILL');
    process.on('exit', onExit);
    void this.#process.ended.then(() => process.off('exit', onExit));
  }

  get hasEnded(): boolean {
    return this.#process.hasEnded;
  }

  get ended(): Promise<Ending> {
    return this.#process.ended;
  }

  get log(): string {
    return this.#process.log;
  }

  listening(): Promise<void> {
    return this.#serving([]);
  }

  /** Resolves when all brokers serve. Processes that have ended do not serve any more, whatever `/brokers` says. */
  async #serving(ended: readonly number[]): Promise<void> {
    if (this.#overviewPort === 0) {
      const [, port] = await this.#process.logged(/\[multi\] .*HTTP: listening on .*:(\d+)\n/);
      this.#overviewPort = Number(port);
    }
    const isServing = ({ state, pid }: Shown['brokers'][number]): boolean =>
      state === 'serving' && !ended.includes(Number(pid));
    for (;;) {
      if (this.hasEnded) throw new Error(`the brokers ended:\n${this.log}`);
      const shown = JSON.parse(await this.ask('/brokers').catch(() => '{"brokers":[]}')) as Shown;
      const { brokers } = shown;
      if (brokers.length > 0 && brokers.every(isServing)) {
        this.tcpPort = shown.shared_tcp_port;
        this.#pids = brokers.map(({ pid }) => Number(pid));
        this.brokers = brokers.map((broker) => ({
          tcpPort: portOf(broker.tcp_address),
          httpPort: portOf(broker.http_address),
          dataPath: broker.data_path,
        }));
        return;
      }
      await delay(POLL_MS);
    }
  }

  /** Resolves when the log has a matching text. Errors: rejects if everything ends before. */
  async logged(pattern: RegExp): Promise<void> {
    await this.#process.logged(pattern);
  }

  /** Kills one broker, and waits until all serve again. */
  async killOne(index: number): Promise<void> {
    killProcess(this.#pids[index]);
    await this.#serving([this.#pids[index]]);
  }

  ask(pathAndQuery: string): Promise<string> {
    return askPort(this.#overviewPort, pathAndQuery);
  }

  stop(): Promise<Ending> {
    this.#isStopping = true;
    return this.#process.stop();
  }

  /**
   * Kills at least one broker, waits until all serve again, and shuts them down cleanly: if the others were
   * killed too, messages in flight would wait for their timeout.
   */
  async kill(): Promise<void> {
    if (this.#isStopping || this.#pids.length === 0 || this.#random(ALL_EVERY) === 0) {
      await this.destroy();
      return;
    }
    const first = this.#random(this.#pids.length);
    const killed = this.#pids.filter((_, index) => index === first || this.#random(2) === 0);
    for (const pid of killed) killProcess(pid);
    await this.#serving(killed);
    await this.stop();
  }

  async destroy(): Promise<void> {
    // First the supervisor, which would restart them. They then shut down cleanly, unless they are killed too.
    await this.#process.kill();
    for (const pid of this.#pids) killProcess(pid);
    while (this.#pids.some(isAlive)) await delay(POLL_MS);
  }
}

function portOf(address: string | null): number {
  return Number(address?.split(':').at(-1));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

function killProcess(pid: number): void {
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}
