/**
 * The broker's interfaces: TCP, HTTP and HTTPS, and consumers in its own process.
 *
 * Thread: main.
 */

import os from 'node:os';
import { listenAt } from '../daemon/listen-address.ts';
import type { ServerContext } from '../daemon/server-context.ts';
import type { TlsContext } from '../daemon/tls/tls-context.ts';
import type { Access } from './access/access.ts';
import { AccessAuth } from './access/access-auth.ts';
import type { AuthServers } from './auth/auth-servers.ts';
import { HttpAccess } from './http/http-access.ts';
import { HttpServers } from './http/http-servers.ts';
import type { MetricsSource } from './http/metrics/metrics-endpoint.ts';
import type { PageSource } from './http/ui/page-source.ts';
import type { Bounds } from './limits/bounds.ts';
import { TurnBudget } from './limits/turn-budget.ts';
import { LocalClients } from './local/local-clients.ts';
import type { Options } from './options/options.ts';
import type { PolicyStore } from './policies/policy-store.ts';
import type { DeliveryTarget } from './pumps/deliveries.ts';
import { type PendingClient, TurnOutput } from './pumps/turn.ts';
import type { MemoryStatistics } from './stats/memory-statistics.ts';
import type { ReadinessCheck } from './stats/readiness.ts';
import type { Traffic } from './stats/traffic.ts';
import { type Client, ClientNumbers } from './tcp/client.ts';
import { Deadlines } from './tcp/deadlines.ts';
import { TcpServer } from './tcp/tcp-server.ts';
import type { BrokerOperations } from './topics/broker-operations.ts';
import type { BrokerCore } from './topics/core.ts';
import type { ChannelHandle, ChannelMember } from './topics/topic-map.ts';

/** The broker as monitoring sees it. */
type WatchedNode = {
  readonly metrics: MetricsSource;
  readonly page: PageSource | null;
  readiness(): readonly ReadinessCheck[];
};

/** The dependencies of the interfaces. */
type FrontendsSetup = ServerContext & {
  readonly options: Options;
  readonly core: Pick<BrokerCore, 'topics' | 'publisher'>;
  readonly operations: BrokerOperations;
  readonly policies: PolicyStore;
  readonly bounds: Pick<Bounds, 'limit' | 'bodies'>;
  /** Null without a certificate. */
  readonly tls: TlsContext | null;
  /** Null if there are none. */
  readonly auth: AuthServers | null;
  /** Null without an access file. */
  readonly access: Access | null;
  /** Counts the work of clients. */
  readonly traffic: Traffic;
  readonly view: WatchedNode;
  readonly memory: () => MemoryStatistics;
  readonly requestTurn: () => void;
  /** A consumer has left its channel. */
  readonly onLeft: (channel: ChannelHandle, member: ChannelMember) => void;
};

export class Frontends {
  readonly local: LocalClients;

  readonly #setup: FrontendsSetup;
  readonly #budget: TurnBudget;
  readonly #output: TurnOutput;
  readonly #tcp: TcpServer;
  readonly #http: HttpServers;

  constructor(setup: FrontendsSetup) {
    this.#setup = setup;
    const { operations, bounds, onLeft, requestTurn, access, options } = setup;
    const { topics, publisher } = setup.core;
    const numbers = new ClientNumbers();
    const budget = new TurnBudget(requestTurn, () => setup.clock.monotonicMs());
    const output = new TurnOutput(setup.guard, requestTurn);
    const onPending = (client: PendingClient): void => output.add(client);
    this.#budget = budget;
    this.#output = output;
    this.#tcp = new TcpServer(
      {
        ...setup,
        budget,
        topics,
        publisher,
        auth: access !== null && options.tcpAccess ? new AccessAuth(access) : setup.auth,
        httpPort: () => operations.httpPort,
        deadlines: new Deadlines(setup.clock),
        bodies: bounds.bodies,
        onPending,
        onLeft: (connection) => {
          const { state } = connection.client;
          if (state.state !== 'init') onLeft(state.channel, connection);
        },
      },
      bounds.limit,
      numbers,
    );
    this.local = new LocalClients({ ...setup, topics, numbers, onPending });
    const { traffic, view } = setup;
    this.#http = new HttpServers({
      ...setup,
      access: access === null ? null : new HttpAccess(access),
      budget,
      onPending,
      broker: operations,
      metrics: view.metrics,
      page: view.page,
      readiness: () => view.readiness(),
      countAnswer: (status) => traffic.countAnswer(status),
      limit: bounds.limit,
      bodies: bounds.bodies,
      hostname: os.hostname(),
    });
  }

  /** Connections over TCP. */
  get tcpCount(): number {
    return this.#tcp.connectionCount;
  }

  /** The consumer with this number, if it is still there. */
  target(number: number): DeliveryTarget | undefined {
    return this.#tcp.get(number) ?? this.local.get(number);
  }

  /** The client with this number, if it is still there. */
  client(number: number): Client | undefined {
    return (this.#tcp.get(number) ?? this.local.get(number))?.client;
  }

  *clients(): Iterable<Client> {
    yield* this.#tcp.clients();
    yield* this.local.clients();
  }

  /** Listens at all addresses of the options. Errors: rejects with the error of the system. */
  async listen(): Promise<void> {
    const { logger, options, operations } = this.#setup;
    const { tcpAddress, sharedTcpPort } = options;
    if (tcpAddress !== '') {
      operations.tcpPort = await listenAt(logger, 'TCP', tcpAddress, (at) => this.#tcp.listen(at));
    }
    operations.httpPort = await this.#http.listen();
    if (sharedTcpPort !== 0) {
      await this.#tcp.share({ kind: 'TCP', address: tcpAddress, port: sharedTcpPort });
    }
    await this.#http.share();
  }

  /** Writes the turn's output to all clients, then resumes throttled ones. */
  flush(): void {
    this.#output.flush();
    this.#budget.nextTurn();
  }

  /** Stops accepting requests. Resolves when the last HTTP answer is written. Errors: rejects with a bug. */
  async close(): Promise<void> {
    const ways = [() => this.#tcp.close(), () => this.local.close(), () => this.#http.stop()];
    // An error of one must not leave the others open.
    const outcomes = await Promise.allSettled(ways.map(async (close) => await close()));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}
