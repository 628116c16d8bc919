/**
 * nats-server as separate processes, if it is installed (Debian's package `nats-server`): one, or a cluster.
 *
 * Thread: main.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CleanUp } from './broker-process.ts';

/** False if there is nats-server; otherwise the reason for skipping tests that need it. */
export const natsMissing: string | false =
  spawnSync('nats-server', ['--version']).status === 0 ? false : 'nats-server is not installed';

/** The version of the installed server, such as `2.9.10`. */
export function natsVersion(): string {
  const { stdout } = spawnSync('nats-server', ['--version'], { encoding: 'utf8' });
  return stdout.replace(/^.*v/s, '').trim();
}

const READY = /Server is ready/;

/** A server that can be stopped and started again with its data. */
export class NatsServer {
  readonly port: number;

  readonly #config: string;
  #child: ChildProcess | null = null;

  constructor(config: string, port: number) {
    this.#config = config;
    this.port = port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Resolves when it accepts connections; a cluster may have no leader yet. */
  async start(): Promise<void> {
    const child = spawn('nats-server', ['-c', this.#config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let log = '';
    child.stderr.setEncoding('utf8');
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (text: string) => {
        log += text;
        if (READY.test(log)) resolve();
      });
      child.on('exit', () => {
        if (this.#child === child) this.#child = null;
        reject(new Error(`nats-server ended:\n${log}`));
      });
    });
  }

  /** Kills it. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/**
 * Starts servers, which are ended at the end of the test, and whose data are removed. `more`: lines of their
 * configuration.
 */
export async function startNats(
  t: CleanUp,
  count = 1,
  more: readonly string[] = [],
): Promise<NatsServer[]> {
  const home = mkdtempSync(path.join(tmpdir(), 'ringmq-nats-'));
  const ports = await freePorts(count * 2);
  const routes = ports.slice(count).map((port) => `nats-route://127.0.0.1:${port}`);
  const servers = Array.from({ length: count }, (_, index) => {
    const config = path.join(home, `${index}.conf`);
    const lines = [
      `server_name: n${index}`,
      `listen: 127.0.0.1:${ports[index]}`,
      `jetstream { store_dir: ${JSON.stringify(path.join(home, `n${index}`))} }`,
      ...more,
    ];
    if (count > 1) {
      lines.push(
        `cluster { name: c, listen: 127.0.0.1:${ports[count + index]}, routes: ${JSON.stringify(routes)} }`,
      );
    }
    writeFileSync(config, `${lines.join('\n')}\n`);
    return new NatsServer(config, ports[index]);
  });
  t.after(async () => {
    for (const server of servers) await server.kill();
    rmSync(home, { recursive: true });
  });
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}

/** Ports that were free a moment ago: a server that is started again needs the same one. */
async function freePorts(count: number): Promise<number[]> {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(listeners.map((listener) => once(listener, 'listening')));
  const ports = listeners.map((listener) => {
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('a port was expected');
    return address.port;
  });
  await Promise.all(listeners.map((listener) => once(listener.close(), 'close')));
  return ports;
}
