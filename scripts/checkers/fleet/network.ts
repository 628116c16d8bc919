/**
 * Hosts on one machine: network namespaces, each with its own address, joined by a bridge. The script itself is a host,
 * too. Everything ends with the script, because nobody else sees its namespace.
 *
 * Linux and root only.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';

const BRIDGE = 'bridge0';
const SUBNET = '10.77.0';
/** The last number of the first host's address; the script's is 1. */
const FIRST_HOST = 11;
/** Set in the process inside the namespace. */
const INSIDE = 'RINGMQ_FLEET_NETWORK';

/** A place for processes, with an address. */
export type Host = {
  readonly address: string;
  /** The command that runs a program there, as a child with the program's id and signals. */
  readonly command: (...words: readonly string[]) => [program: string, words: string[]];
  /** Unplugs or plugs in its cable: packets sent while it is unplugged are lost without an error. */
  readonly connect: (isConnected: boolean) => void;
};

/** Whether this process has its own network. If not, `runInside` runs the script again in one. */
export function isInside(): boolean {
  return process.env[INSIDE] === '1';
}

/**
 * Runs this script with the same arguments in a new network. Returns its exit code.
 * Errors: throws if the system refuses that.
 */
export function runInside(): number {
  const { status, error } = spawnSync(
    'unshare',
    ['--net', process.execPath, ...process.argv.slice(1)],
    {
      stdio: 'inherit',
      env: { ...process.env, [INSIDE]: '1' },
    },
  );
  if (error !== undefined) throw error;
  return status ?? 1;
}

export class Network {
  readonly #holders: ChildProcess[] = [];

  constructor() {
    ip('link', 'set', 'lo', 'up');
    ip('link', 'add', BRIDGE, 'type', 'bridge');
    ip('address', 'add', `${SUBNET}.1/24`, 'dev', BRIDGE);
    ip('link', 'set', BRIDGE, 'up');
  }

  async addHost(): Promise<Host> {
    const number = this.#holders.length;
    const address = `${SUBNET}.${FIRST_HOST + number}`;
    // It keeps the namespace until its input ends, at the latest with this process.
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo && exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#holders.push(holder);
    await new Promise((resolve, reject) => {
      holder.stdout.once('data', resolve);
      holder.once('exit', () => reject(new Error('cannot make a network namespace')));
    });
    const inside = ['nsenter', `--net=/proc/${holder.pid}/ns/net`] as const;
    const own = `host${number}`;
    ip('link', 'add', own, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder.pid));
    ip('link', 'set', own, 'master', BRIDGE, 'up');
    for (const words of [
      ['link', 'set', 'lo', 'up'],
      ['address', 'add', `${address}/24`, 'dev', 'eth0'],
      ['link', 'set', 'eth0', 'up'],
    ]) {
      execFileSync(inside[0], [inside[1], 'ip', ...words]);
    }
    return {
      address,
      command: (...words) => [inside[0], [inside[1], ...words]],
      connect: (isConnected) => ip('link', 'set', own, isConnected ? 'up' : 'down'),
    };
  }

  close(): void {
    for (const holder of this.#holders) holder.kill();
  }
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words);
}
