/**
 * Several brokers as one: starts and supervises them, starts a lookupd unless one is named, lets brokers leave that are
 * no longer wanted, and ends all cleanly.
 *
 * Thread: main.
 */

import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { ConnectionLimit } from '../../daemon/connection-limit.ts';
import { makeDirectories } from '../../daemon/directories.ts';
import { joinHostPort } from '../../daemon/host-port.ts';
import { Endpoints } from '../../daemon/http/endpoints.ts';
import { HttpServer } from '../../daemon/http/http-server.ts';
import type { BodyMemory } from '../../daemon/http/request-gatherer.ts';
import { UnfinishedHeads } from '../../daemon/http/unfinished-heads.ts';
import { listen, listenAt } from '../../daemon/listen-address.ts';
import type { ServerContext } from '../../daemon/server-context.ts';
import type { BrokerLineOptions } from '../../offline/broker-line.ts';
import { assert } from '../../shared/assert.ts';
import { errorText } from '../../shared/error-text.ts';
import {
  brokerName,
  brokerNumber,
  hostAddress,
  planBrokers,
  planFault,
  type SharedPorts,
} from './broker-plan.ts';
import type { LaunchChild } from './child-program.ts';
import { Decommission } from './decommission.ts';
import { Member, reachableHost } from './member.ts';
import type { MultiOptions } from './multi-options.ts';
import { Overview } from './overview.ts';
import { Supervised } from './supervised.ts';

/** The dependencies. */
export type MultiSetup = ServerContext & {
  readonly own: MultiOptions;
  readonly options: BrokerLineOptions;
  /** The broker's words as given. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly launch: LaunchChild;
  /** Takes a line of a process's output. */
  readonly onLine: (name: string, line: string) => void;
};

/** No endpoint reads a body. */
const NO_BODIES: BodyMemory = { note: () => undefined, forget: () => undefined };
const METADATA_FILE = 'nsqd.dat';
const CONNECTIONS_MAX = 256;
const LOOKUPD = 'lookupd';

export class Multi {
  /** Resolves with the exit code when everything has ended. */
  readonly ended: Promise<number>;

  readonly #setup: MultiSetup;
  readonly #members: Member[] = [];
  readonly #http: HttpServer;
  #shared: SharedPorts = { tcp: 0, http: 0, https: 0 };
  #lookupd: Supervised | null = null;
  #onEnded: (code: number) => void = () => undefined;

  /** Starts nothing yet. */
  constructor(setup: MultiSetup) {
    this.#setup = setup;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#onEnded = resolve;
    const { clock, guard, logger, options } = setup;
    const limit = new ConnectionLimit(CONNECTIONS_MAX, clock, logger);
    const overview = new Overview({
      members: () => this.#members,
      lookupd: () => this.#lookupdAddress('httpPort'),
      shared: () => this.#shared,
    });
    const endpoints = new Endpoints({
      ...{ logger, guard, clock, bodies: NO_BODIES, countAnswer: () => undefined },
      names: [options.broadcastAddress],
      routes: overview.routes,
      authorize: () => null,
    });
    this.#http = new HttpServer({
      handle: (request) => endpoints.handle(request),
      refuseConnect: (target) => endpoints.connectRefusal(target),
      heads: new UnfinishedHeads(clock, logger),
      ...{ clock, limit, guard, tls: null },
    });
  }

  /** Errors: rejects with the reason why the start failed or was interrupted; then nothing runs. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      this.end('SIGTERM');
      await this.#endOthers();
      throw error;
    }
    void this.#watch();
  }

  /** Passes on a signal that does not end the brokers. */
  signal(name: NodeJS.Signals): void {
    for (const { process } of this.#members) process.signal(name);
  }

  /** Ends all brokers with this signal; a second one ends them at once. Lookupd ends last. */
  end(name: NodeJS.Signals): void {
    for (const { process } of this.#members) process.end(name);
    if (this.#members.length === 0) this.#lookupd?.end(name);
  }

  async #start(): Promise<void> {
    const { own, options, words, logger } = this.#setup;
    const root = path.resolve(options.dataPath);
    if (existsSync(path.join(root, METADATA_FILE))) {
      const first = path.join(root, brokerName(1));
      throw new Error(`${root} has the data of a single broker: move its files to ${first}`);
    }
    const leaving = leavingNumbers(root, own.brokers);
    const fault = planFault(own, options, Math.max(own.brokers, ...leaving));
    if (fault !== undefined) throw new Error(fault);
    this.#shared = await sharedPorts(options);
    await listenAt(logger, 'HTTP', own.overviewAddress, (at) => this.#http.start(at));
    await this.#startLookupd();
    const shared = this.#shared;
    const lookupd = this.#lookupdAddress('tcpPort');
    const plans = planBrokers({ own, options, words, shared, lookupd, leaving });
    for (const plan of plans) {
      await makeDirectories(plan.dataPath);
      this.#members.push(new Member(plan, this.#supervise(plan.name, plan.words), options));
    }
    await Promise.all(this.#members.map((member) => this.#startMember(member)));
    logger.info(`${own.brokers} brokers serve, ${this.#portsText()}`);
  }

  /** A broker that leaves may fail to start: its messages wait. The others are needed. */
  async #startMember(member: Member): Promise<void> {
    const { own, options, logger, clock, env } = this.#setup;
    if (!member.plan.isLeaving) {
      await member.process.start();
      return;
    }
    try {
      await member.process.start();
    } catch (error) {
      logger.error(`${errorText(error)}; its data remains in ${member.plan.dataPath}`);
      return;
    }
    logger.info(`${member.name} leaves: there are ${own.brokers} brokers now`);
    const { maxMsgSize, maxBodySize, maxReqTimeoutMs } = options;
    const others = (): Member[] => this.#members.filter(({ plan }) => !plan.isLeaving);
    const decommission = new Decommission({
      member,
      others,
      maxMsgSize,
      maxBodySize,
      maxReqTimeoutMs,
      env,
      clock,
      logger,
    });
    void decommission.run().then(
      () => this.#forget(member),
      (error: unknown) => logger.error(`${member.name} cannot leave - ${errorText(error)}`),
    );
  }

  async #startLookupd(): Promise<void> {
    const { own, options } = this.#setup;
    if (!own.bundledLookupd || options.lookupdTcpAddress.length > 0) return;
    const words = [
      'lookupd',
      `--tcp-address=${own.bundledLookupdTcpAddress}`,
      `--http-address=${own.bundledLookupdHttpAddress}`,
      `--broadcast-address=${options.broadcastAddress}`,
      `--log-level=${options.logLevel}`,
      `--log-format=${options.logFormat}`,
    ];
    this.#lookupd = this.#supervise(LOOKUPD, words);
    await this.#lookupd.start();
  }

  #supervise(name: string, words: readonly string[]): Supervised {
    const { launch, clock, logger, onLine } = this.#setup;
    return new Supervised({ name, words, launch, clock, logger, onLine });
  }

  #forget(member: Member): void {
    this.#members.splice(this.#members.indexOf(member), 1);
  }

  /** Ends when all brokers have ended, for whatever reason. */
  async #watch(): Promise<void> {
    const members = [...this.#members];
    await Promise.all(members.map(({ process }) => process.ended));
    await this.#endOthers();
    const isOrderly = members.every(({ process }) => process.lastEnding?.code === 0);
    this.#onEnded(isOrderly ? 0 : 1);
  }

  async #endOthers(): Promise<void> {
    await Promise.all(this.#members.map(({ process }) => process.ended));
    this.#lookupd?.end('SIGTERM');
    await this.#lookupd?.ended;
    await this.#http.stop();
  }

  /** The address of the bundled lookupd on this machine; null without it. */
  #lookupdAddress(port: 'tcpPort' | 'httpPort'): string | null {
    const { bundledLookupdTcpAddress, bundledLookupdHttpAddress } = this.#setup.own;
    const serving = this.#lookupd?.serving ?? null;
    if (serving === null) return null;
    const given = port === 'tcpPort' ? bundledLookupdTcpAddress : bundledLookupdHttpAddress;
    return joinHostPort(reachableHost(given), serving[port]);
  }

  #portsText(): string {
    const { tcp, http } = this.#shared;
    return `TCP on port ${tcp} and HTTP on port ${http} together`;
  }
}

/** Brokers that have data but are beyond the wanted number. */
function leavingNumbers(root: string, brokers: number): number[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => brokerNumber(name) ?? [])
    .filter((number) => number > brokers)
    .sort((a, b) => a - b);
}

async function sharedPorts(options: BrokerLineOptions): Promise<SharedPorts> {
  const hasTls = options.tlsCert !== '' && options.httpsAddress !== '';
  return {
    tcp: await portOf(options.tcpAddress),
    http: await portOf(options.httpAddress),
    https: hasTls ? await portOf(options.httpsAddress) : 0,
  };
}

/** The port of an address; for 0, a port that is free now. */
async function portOf(given: string): Promise<number> {
  const address = hostAddress(given);
  assert(address !== undefined, 'the plan was checked');
  if (address.port !== 0) return address.port;
  const server = createServer();
  const { port } = await listen(server, address, { reusePort: true });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
