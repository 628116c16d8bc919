/**
 * The context of a scenario: the attacked broker, the time limit, and the faults that were found.
 *
 * Units: times in ms of the monotonic clock.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { MAGIC } from '../../../src/protocol/commands.ts';
import { cpuUsOf, descriptorCountOf } from '../../kit/proc.ts';
import { HostileConnection } from './hostile-connection.ts';

const FAULTS_MAX = 5;
const PING_MS_MAX = 5000;
const LOOK_MS = 20;

/** The broker that is attacked. */
export type Target = {
  readonly host: string;
  readonly tcpPort: number;
  /** Undefined if it is not known. */
  readonly httpPort: number | undefined;
  /** The broker's connection limit; undefined for none. */
  readonly connectionsMax: number | undefined;
  /** The limits on its memory; undefined for none. */
  readonly memory: TargetMemory | undefined;
};

/** The limits on a broker's memory. Units: MiB. */
export type TargetMemory = {
  /** For everything. */
  readonly totalMib: number;
  /** For the received parts of bodies, buffers included. */
  readonly bodiesMib: number;
};

/** An attack. */
export type Scenario = {
  readonly name: string;
  /**
   * How much more memory the broker may hold than before, without large bodies and V8's young generations.
   * Units: MiB.
   */
  readonly growthMibMax: number;
  /** How much more it holds for large bodies, if they have no limit. Units: MiB. */
  readonly bodiesMib?: number;
  readonly needsHttp?: boolean;
  /** Whether it can warm up a broker, because it uses much of its code. */
  readonly warmsUp?: boolean;
  /** Continues until the time of the attack is over. */
  run(attack: Attack): Promise<void>;
};

export class Attack {
  readonly target: Target;
  readonly #pid: number | undefined;
  readonly #endMs: number;
  readonly #open = new Set<HostileConnection>();
  readonly #faults: string[] = [];
  #faultCount = 0;
  #connections = 0;

  /** `pid`: the broker's, if it runs on this machine. */
  constructor(target: Target, seconds: number, pid?: number) {
    this.target = target;
    this.#pid = pid;
    this.#endMs = performance.now() + seconds * 1000;
  }

  /** Whether there is time left. */
  get isOn(): boolean {
    return performance.now() < this.#endMs;
  }

  /** How many connections have been opened. */
  get connections(): number {
    return this.#connections;
  }

  /** The faults that were found, in words. */
  get faults(): readonly string[] {
    const more = this.#faultCount - this.#faults.length;
    return more === 0 ? this.#faults : [...this.#faults, `and ${more} more`];
  }

  fault(text: string): void {
    this.#faultCount++;
    if (this.#faults.length < FAULTS_MAX) this.#faults.push(text);
  }

  /** Connects. The connection is closed at the end of the attack at the latest. */
  async connect(port = this.target.tcpPort): Promise<HostileConnection> {
    const connection = await HostileConnection.open(this.target.host, port);
    this.#connections++;
    this.#open.add(connection);
    void connection.closed.then(() => this.#open.delete(connection));
    return connection;
  }

  /** Connects, and sends the magic bytes and more. */
  async client(...first: readonly Buffer[]): Promise<HostileConnection> {
    const connection = await this.connect();
    connection.send(MAGIC, ...first);
    return connection;
  }

  /** Runs this many at a time, until the time is over or nothing is left to do. */
  async together(count: number, work: (index: number) => Promise<void>): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => work(index)));
  }

  /** Whether the promise resolves in time. */
  async inTime(what: Promise<unknown>, timeoutMs: number): Promise<boolean> {
    const late = Symbol('late');
    return (await Promise.race([what, delay(timeoutMs, late, { ref: false })])) !== late;
  }

  /** Open descriptors of the broker; undefined if unknown. */
  descriptors(): number | undefined {
    return this.#pid === undefined ? undefined : descriptorCountOf(this.#pid);
  }

  /** The broker's CPU time; undefined if unknown. Units: ms. */
  cpuMs(): number | undefined {
    const us = this.#pid === undefined ? undefined : cpuUsOf(this.#pid);
    return us === undefined ? undefined : us / 1000;
  }

  /** Whether the condition becomes true in time, which may be after the end of the attack. */
  async comesTrue(isTrue: () => boolean, timeoutMs: number): Promise<boolean> {
    for (const endMs = performance.now() + timeoutMs; !isTrue(); await delay(LOOK_MS)) {
      if (performance.now() > endMs) return false;
    }
    return true;
  }

  /** Waits, but not beyond the end of the attack. */
  async pause(ms: number): Promise<void> {
    await delay(Math.max(0, Math.min(ms, this.#endMs - performance.now())));
  }

  /** Waits for the end of the attack. */
  async end(): Promise<void> {
    await this.pause(Number.POSITIVE_INFINITY);
  }

  /** The answer of /ping, or why there is none; OK if the address is not known. */
  async ping(): Promise<string> {
    const { host, httpPort } = this.target;
    if (httpPort === undefined) return 'OK';
    const signal = AbortSignal.timeout(PING_MS_MAX);
    try {
      return await (await fetch(`http://${host}:${httpPort}/ping`, { signal })).text();
    } catch (error) {
      return error instanceof Error ? `nothing: ${error.message}` : String(error);
    }
  }

  /** The number of messages that a topic has ever received; undefined if that is not available. */
  async messageCount(topic: string): Promise<number | undefined> {
    const { host, httpPort } = this.target;
    if (httpPort === undefined) return undefined;
    const query = `format=json&include_mem=false&include_clients=false&topic=${topic}`;
    const response = await fetch(`http://${host}:${httpPort}/stats?${query}`);
    // nsqd's own format
    const { topics } = (await response.json()) as {
      topics: readonly { message_count: number }[] | null;
    };
    return topics?.[0]?.message_count ?? 0;
  }

  /** No message of the topic may have been accepted. */
  async expectNothingIn(topic: string): Promise<void> {
    const count = (await this.messageCount(topic)) ?? 0;
    if (count > 0) this.fault(`"${topic}" has taken ${count} messages that were none`);
  }

  /** Deletes a topic if that is possible. */
  async forget(topic: string): Promise<void> {
    const { host, httpPort } = this.target;
    if (httpPort === undefined) return;
    const query = `topic=${encodeURIComponent(topic)}`;
    await fetch(`http://${host}:${httpPort}/topic/delete?${query}`, { method: 'POST' });
  }

  /** Closes the remaining connections. */
  async close(): Promise<void> {
    const open = [...this.#open];
    for (const connection of open) connection.destroy();
    await Promise.all(open.map(({ closed }) => closed));
  }
}
