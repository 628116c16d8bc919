/**
 * Brokers behind a lookupd, each on its own host.
 */

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BrokerProcess, type Ending } from '../../kit/broker.ts';
import type { Host, Network } from './network.ts';

const PROJECT = path.dirname(path.dirname(path.dirname(import.meta.dirname)));
const BROKER = 'src/main/start.cjs';
const LOOKUPD = ['scripts/ringmq.cjs', 'lookupd'];
const LOOK_MS = 20;
/** A broker that is not ready after this many checks will not be. */
const LOOKS_MAX = 3000;

/** A program of the fleet, across its restarts. */
export class FleetMember {
  readonly host: Host;
  readonly #httpPort: number;
  readonly #words: readonly string[];
  #process: BrokerProcess | null = null;

  constructor(host: Host, httpPort: number, words: readonly string[]) {
    this.host = host;
    this.#httpPort = httpPort;
    this.#words = words;
  }

  /** Starts it, and resolves when it is ready. */
  async start(): Promise<void> {
    const [program, words] = this.host.command(process.execPath, ...this.#words);
    const child = spawn(program, words, { cwd: PROJECT, stdio: ['ignore', 'ignore', 'pipe'] });
    const onExit = (): void => void child.kill('SIGKILL');
    process.on('exit', onExit);
    this.#process = new BrokerProcess(child);
    void this.#process.ended.then(() => process.off('exit', onExit));
    await this.#process.listening();
    for (let look = 0; look < LOOKS_MAX; look++) {
      const { ok } = await fetch(`http://${this.host.address}:${this.#httpPort}/readyz`);
      if (ok) return;
      await pause(LOOK_MS);
    }
    throw new Error(`${this.#words.join(' ')} does not get ready`);
  }

  /** Its log since its last start, or the end of it. */
  get log(): string {
    return this.#process?.log ?? '';
  }

  /** Ends it if it runs. */
  async end(signal: NodeJS.Signals): Promise<Ending> {
    const ending = this.#process?.stop(signal);
    return (await ending) ?? { code: 0, signal: null };
  }
}

const TCP_PORT = 4150;
const HTTP_PORT = 4151;
export const LOOKUPD_HTTP_PORT = 4161;

export class Fleet {
  readonly lookupd: FleetMember;
  readonly brokers: readonly FleetMember[];

  /** Starts everything. `flags`: those of each broker, besides its addresses and its directory. */
  static async start(
    network: Network,
    { count, directory, flags }: { count: number; directory: string; flags: readonly string[] },
  ): Promise<Fleet> {
    const host = await network.addHost();
    const lookupd = new FleetMember(host, LOOKUPD_HTTP_PORT, [
      ...LOOKUPD,
      `--broadcast-address=${host.address}`,
    ]);
    const lookupdStarts = lookupd.start();
    const brokers: FleetMember[] = [];
    for (let number = 0; number < count; number++) {
      const dataPath = path.join(directory, String(number));
      mkdirSync(dataPath);
      const own = await network.addHost();
      const words = [
        BROKER,
        `--data-path=${dataPath}`,
        `--broadcast-address=${own.address}`,
        `--node-id=${number}`,
        `--lookupd-tcp-address=${host.address}:4160`,
        ...flags,
      ];
      brokers.push(new FleetMember(own, HTTP_PORT, words));
    }
    // A broker that finds no lookupd tries again after 15 s.
    await lookupdStarts;
    await Promise.all(brokers.map((broker) => broker.start()));
    return new Fleet(lookupd, brokers);
  }

  private constructor(lookupd: FleetMember, brokers: readonly FleetMember[]) {
    this.lookupd = lookupd;
    this.brokers = brokers;
  }

  /** The addresses at which clients reach the brokers. */
  get addresses(): string[] {
    return this.brokers.map(({ host }) => `${host.address}:${TCP_PORT}`);
  }

  /** Kills everything. */
  async kill(): Promise<void> {
    await Promise.all([...this.brokers, this.lookupd].map((member) => member.end('SIGKILL')));
  }
}
