/**
 * A server under load: a process of its own, whose CPU time and memory are read from outside.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Ticks of a second in /proc, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const START_ATTEMPTS = 200;
const ATTEMPT_MS = 50;

export class Server {
  readonly name: string;
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(name: string, port: number, child: ChildProcess) {
    this.name = name;
    this.port = port;
    this.#process = child;
  }

  /** Starts a server and waits until it accepts connections. `words` get the port as `{port}`. */
  static async start(name: string, program: string, words: readonly string[]): Promise<Server> {
    const port = await freePort();
    const filled = words.map((word) => word.replaceAll('{port}', String(port)));
    const child = spawn(program, filled, { stdio: ['ignore', 'ignore', 'inherit'] });
    const server = new Server(name, port, child);
    for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
      if (await accepts(port)) return server;
      if (child.exitCode !== null)
        throw new Error(`${name} ended with ${child.exitCode} at its start`);
      await delay(ATTEMPT_MS);
    }
    throw new Error(`${name} did not accept connections`);
  }

  /** CPU time so far, of user and system together. Units: µs. Linux only. */
  cpuUs(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; the fields behind it do not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
  }

  /** Largest resident size so far. Units: MiB. Linux only. */
  peakMemoryMiB(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}
