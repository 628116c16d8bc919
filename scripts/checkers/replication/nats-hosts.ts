/**
 * A cluster of nats-servers, each on its own host, and who leads what in it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Host, Network } from '../fleet/network.ts';

const CLIENT_PORT = 4222;
const ROUTE_PORT = 6222;
const MONITOR_PORT = 8222;
const LOOK_MS = 50;
const LOOK_MS_MAX = 500;
/** A cluster without a leader after this many checks will not get one. */
const LOOKS_MAX = 1200;

/** The description of a stream or consumer in a server's `/jsz`. */
type Group = { readonly name: string; readonly cluster?: { readonly leader?: string } };
type Consumer = Group & {
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly num_waiting: number;
};
type Stream = Group & { readonly state: object; readonly consumer_detail?: readonly Consumer[] };
type Jsz = {
  readonly meta_cluster?: { readonly leader?: string };
  readonly account_details?: readonly { readonly stream_detail?: readonly Stream[] }[];
};

class NatsHost {
  readonly name: string;
  readonly host: Host;
  readonly #config: string;
  #child: ChildProcess | null = null;

  constructor(name: string, host: Host, config: string) {
    this.name = name;
    this.host = host;
    this.#config = config;
  }

  start(): void {
    const [program, words] = this.host.command('nats-server', '-c', this.#config);
    const child = spawn(program, words, { stdio: 'ignore' });
    const onExit = (): void => void child.kill('SIGKILL');
    process.on('exit', onExit);
    child.once('exit', () => process.off('exit', onExit));
    this.#child = child;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Who leads the cluster and its streams, according to a server; null if it does not answer. */
  async jsz(): Promise<Jsz | null> {
    const url = `http://${this.host.address}:${MONITOR_PORT}/jsz?accounts=1&streams=1&consumers=1`;
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(LOOK_MS_MAX) });
      return (await answer.json()) as Jsz; // the server's own format
    } catch (error) {
      if (error instanceof Error) return null;
      throw error;
    }
  }
}

export type { NatsHost };

export class NatsHosts {
  readonly servers: readonly NatsHost[];

  /** Starts this many servers. Resolves when they have a leader. */
  static async start(network: Network, count: number, directory: string): Promise<NatsHosts> {
    const hosts: Host[] = [];
    for (let number = 0; number < count; number++) hosts.push(await network.addHost());
    const routes = hosts.map(({ address }) => `nats-route://${address}:${ROUTE_PORT}`);
    const servers = hosts.map((host, number) => {
      const name = `n${number}`;
      const config = path.join(directory, `${name}.conf`);
      const lines = [
        `server_name: ${name}`,
        `listen: ${host.address}:${CLIENT_PORT}`,
        `http: ${host.address}:${MONITOR_PORT}`,
        `jetstream { store_dir: ${JSON.stringify(path.join(directory, name))} }`,
        `cluster { name: c, listen: ${host.address}:${ROUTE_PORT}, routes: ${JSON.stringify(routes)} }`,
      ];
      writeFileSync(config, `${lines.join('\n')}\n`);
      return new NatsHost(name, host, config);
    });
    const cluster = new NatsHosts(servers);
    for (const server of servers) server.start();
    await cluster.#untilLed();
    return cluster;
  }

  private constructor(servers: readonly NatsHost[]) {
    this.servers = servers;
  }

  get urls(): string {
    return this.servers.map(({ host }) => `nats://${host.address}:${CLIENT_PORT}`).join(',');
  }

  /** The server that leads a stream. */
  async leaderOf(stream: string): Promise<NatsHost> {
    for (let look = 0; look < LOOKS_MAX; look++) {
      for (const server of this.servers) {
        const leader = streamsOf(await server.jsz()).find(({ name }) => name === stream)?.cluster;
        const found = this.servers.find(({ name }) => name === leader?.leader);
        if (found !== undefined) return found;
      }
      await pause(LOOK_MS);
    }
    throw new Error(`stream ${stream} has no leader`);
  }

  /** Whether all streams and consumers have a leader other than the lost server, and all servers agree on it. */
  async isLed(lost: NatsHost | null): Promise<boolean> {
    const left = this.servers.filter((server) => server !== lost);
    const shown = await Promise.all(left.map((server) => server.jsz()));
    const leaders = shown.map((jsz) => (jsz === null ? null : leadersOf(jsz)));
    return leaders.every(
      (own) => own !== null && isDeepStrictEqual(own, leaders[0]) && isLedWithout(own, lost),
    );
  }

  /** Each server's view of each stream and consumer, one line each. */
  async describe(): Promise<string[]> {
    const lines: string[] = [];
    for (const server of this.servers) {
      for (const stream of streamsOf(await server.jsz())) {
        lines.push(
          `${server.name}: ${stream.name} led by ${stream.cluster?.leader}, ${JSON.stringify(stream.state)}`,
        );
        for (const {
          name,
          cluster,
          num_pending: unread,
          num_ack_pending: taken,
          num_waiting: pulls,
        } of stream.consumer_detail ?? []) {
          lines.push(
            `${server.name}: ${stream.name} ${name} led by ${cluster?.leader}, ${unread} unread, ${taken} taken, ${pulls} pulls`,
          );
        }
      }
    }
    return lines;
  }

  async kill(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
  }

  async #untilLed(): Promise<void> {
    for (let look = 0; look < LOOKS_MAX; look++) {
      const shown = await Promise.all(this.servers.map((server) => server.jsz()));
      if (shown.every((jsz) => (jsz?.meta_cluster?.leader ?? '') !== '')) return;
      await pause(LOOK_MS);
    }
    throw new Error('the nats-servers elect no leader');
  }
}

function isLedWithout(leaders: ReadonlyMap<string, string>, lost: NatsHost | null): boolean {
  return [...leaders.values()].every((leader) => leader !== '' && leader !== lost?.name);
}

/** The leaders of streams and durable consumers, by name; other consumers are on one server. */
function leadersOf(jsz: Jsz): Map<string, string> {
  const groups = streamsOf(jsz).flatMap(({ name, cluster, consumer_detail: consumers }) => [
    { name, cluster },
    ...(consumers ?? [])
      .filter((consumer) => /^(?:c_|holder)/.test(consumer.name))
      .map((consumer) => ({ name: `${name} ${consumer.name}`, cluster: consumer.cluster })),
  ]);
  groups.sort((a, b) => (a.name < b.name ? -1 : 1));
  return new Map(groups.map(({ name, cluster }) => [name, cluster?.leader ?? '']));
}

function streamsOf(jsz: Jsz | null): readonly Stream[] {
  return (jsz?.account_details ?? []).flatMap(({ stream_detail: streams }) => streams ?? []);
}
