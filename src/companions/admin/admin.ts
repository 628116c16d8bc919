/**
 * nsqadmin: puts its parts together, starts them, and ends them.
 *
 * Thread: main. Source: nsqadmin `New`, `Main`, `Exit`.
 */

import { lookup } from 'node:dns/promises';
import os from 'node:os';
import { ConnectionLimit } from '../../daemon/connection-limit.ts';
import { descriptorLimit } from '../../daemon/descriptor-limit.ts';
import { splitHostPort } from '../../daemon/host-port.ts';
import { routesFor } from '../../daemon/http/access.ts';
import { compressed } from '../../daemon/http/compression.ts';
import { Endpoints } from '../../daemon/http/endpoints.ts';
import { HttpServer } from '../../daemon/http/http-server.ts';
import { LargeAnswers } from '../../daemon/http/large-answers.ts';
import type { BodyMemory } from '../../daemon/http/request-gatherer.ts';
import type { Route } from '../../daemon/http/router.ts';
import { UnfinishedHeads } from '../../daemon/http/unfinished-heads.ts';
import type { HttpClientTls } from '../../daemon/http-client.ts';
import { listenAt } from '../../daemon/listen-address.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { profileRoutes } from '../../daemon/profiling/profile-endpoints.ts';
import { Stalls } from '../../daemon/profiling/stalls.ts';
import type { ServerContext } from '../../daemon/server-context.ts';
import { systemErrorText } from '../../daemon/system-error.ts';
import { productLine, versionLine } from '../../daemon/version.ts';
import { clientTls } from '../client-tls.ts';
import { connectionsMax } from '../connections-max.ts';
import { healthRoutes } from '../health-endpoints.ts';
import { metricsText, ServerCounts } from '../server-metrics.ts';
import { actionRoutes } from './action-endpoints.ts';
import { wrongAddresses } from './address-check.ts';
import { ADMIN_METRICS } from './admin-metrics.ts';
import type { AdminOptions } from './admin-options.ts';
import { Cluster } from './cluster.ts';
import { type AddressRange, configRoutes, parseAddressRange } from './config-endpoints.ts';
import { graphiteRoutes } from './graphite-endpoints.ts';
import { Notifications } from './notifications.ts';
import { fleetPage } from './page/page-endpoints.ts';
import { readRoutes } from './read-endpoints.ts';
import { Upstream } from './upstream.ts';

/** Only small bodies are read. */
const NO_BODIES: BodyMemory = { note: () => undefined, forget: () => undefined };

export class Admin {
  httpPort = 0;

  readonly #options: AdminOptions;
  readonly #context: ServerContext;
  readonly #counts: ServerCounts;
  readonly #upstream: Upstream;
  readonly #allowed: AddressRange | null;
  readonly #http: HttpServer;
  #lookupdAddresses: readonly string[] | null;
  #logLevel: AdminOptions['logLevel'];
  #isEnding = false;

  /** Errors: rejects with why it cannot start. */
  static async start(options: AdminOptions, context: ServerContext): Promise<Admin> {
    const tls = await clientTls(options);
    await resolveAll('lookupd-http-address', options.lookupdHttpAddress);
    await resolveAll('nsqd-http-address', options.nsqdHttpAddress);
    const { graphiteUrl, proxyGraphite, allowConfigFromCidr } = options;
    if (proxyGraphite && !/^https?:/.test(graphiteUrl)) {
      throw new Error(`failed to parse --graphite-url (${graphiteUrl}) - it must be a URL`);
    }
    const allowed = allowConfigFromCidr === '' ? null : parseAddressRange(allowConfigFromCidr);
    if (allowed instanceof InvalidValue) {
      const given = `--allow-config-from-cidr (${allowConfigFromCidr})`;
      throw new Error(`failed to parse ${given} - ${allowed.why}`);
    }
    const admin = new Admin(options, context, tls, allowed);
    try {
      await admin.#listen();
    } catch (error) {
      await admin.close();
      throw error;
    }
    return admin;
  }

  private constructor(
    options: AdminOptions,
    context: ServerContext,
    tls: HttpClientTls,
    allowed: AddressRange | null,
  ) {
    const { clock, guard, logger } = context;
    this.#options = options;
    this.#context = context;
    this.#allowed = allowed;
    this.#lookupdAddresses = options.lookupdHttpAddress;
    this.#logLevel = options.logLevel;
    const timeouts = {
      connectTimeoutMs: options.httpClientConnectTimeoutMs,
      requestTimeoutMs: options.httpClientRequestTimeoutMs,
    };
    this.#upstream = new Upstream({ ...timeouts, tls, clock }, logger);
    const most = connectionsMax(options.maxConnections, descriptorLimit());
    const limit = new ConnectionLimit(most, clock, logger);
    this.#counts = new ServerCounts(clock, limit, guard);
    const endpoints = this.#endpoints();
    this.#http = new HttpServer({
      handle: (request) => endpoints.handle(request),
      refuseConnect: (target) => endpoints.connectRefusal(target),
      clock,
      limit,
      heads: new UnfinishedHeads(clock, logger),
      guard,
      tls: null,
    });
  }

  /** Logs which of the servers in the options do not answer as such. Resolves when all were asked. */
  async warnOfWrongAddresses(): Promise<void> {
    const { lookupdHttpAddress: lookupd, nsqdHttpAddress: nsqd } = this.#options;
    const mistakes = await wrongAddresses(this.#upstream, { lookupd, nsqd });
    if (this.#isEnding) return;
    for (const mistake of mistakes) this.#context.logger.warn(mistake);
  }

  /** Closes all, and resolves when it is closed. */
  async close(): Promise<void> {
    this.#isEnding = true;
    await this.#http.stop();
    await this.#upstream.client.close();
  }

  async #listen(): Promise<void> {
    const { logger } = this.#context;
    logger.info(productLine());
    logger.info(versionLine('nsqadmin'));
    const { httpAddress } = this.#options;
    this.httpPort = await listenAt(logger, 'HTTP', httpAddress, (at) => this.#http.start(at));
    // Requests follow; where it cannot be loaded now, they say why.
    this.#upstream.client.load().catch(() => undefined);
  }

  #endpoints(): Endpoints {
    const { clock, guard, logger } = this.#context;
    const { basePath, debugHttp, pageHost } = this.#options;
    return new Endpoints({
      logger,
      guard,
      clock,
      bodies: NO_BODIES,
      countAnswer: (status) => this.#counts.countAnswer(status),
      compress: compressed,
      names: [os.hostname()],
      pageHosts: pageHost,
      routes: [
        ...routesFor(debugHttp, profileRoutes(new Stalls(logger, clock), clock, logger)),
        ...underBase(basePath, this.#routes()),
      ],
      authorize: () => null,
    });
  }

  #routes(): Route[] {
    const { clock, guard, logger } = this.#context;
    const options = this.#options;
    const upstream = this.#upstream;
    const cluster = new Cluster({
      upstream,
      clock,
      addresses: () => ({
        lookupd: this.#lookupdAddresses ?? [],
        nsqd: options.nsqdHttpAddress,
      }),
    });
    const notifications = new Notifications({
      endpoint: options.notificationHttpEndpoint,
      hostname: os.hostname(),
      client: upstream.client,
      clock,
      logger,
    });
    const context = { options, cluster, notifications, logger };
    const page = fleetPage({ context, upstream, clock, guard });
    return [
      ...healthRoutes({
        answers: new LargeAnswers(clock, logger),
        metrics: (format) =>
          metricsText(
            ADMIN_METRICS,
            { ...this.#counts.statistics(), ...upstream.statistics() },
            format,
          ),
        unreadiness: () => (this.#isEnding ? 'it ends' : null),
      }),
      ...page.routes,
      ...readRoutes(context),
      ...actionRoutes({ ...context, changed: () => page.changed() }),
      ...graphiteRoutes({ options, upstream, logger }),
      ...configRoutes({
        allowed: this.#allowed,
        current: (name) => this.#current(name),
        setLookupdAddresses: (addresses) => {
          this.#lookupdAddresses = addresses;
        },
        setLogLevel: (level) => {
          this.#logLevel = level;
          logger.setLevel(level);
        },
      }),
    ];
  }

  /** The current value of an option. */
  #current(name: string): unknown {
    if (name === 'lookupdHttpAddress') return this.#lookupdAddresses;
    if (name === 'logLevel') return this.#logLevel;
    // It is a name of the table, from which the options are made.
    return this.#options[name as keyof AdminOptions];
  }
}

function underBase(basePath: string, routes: readonly Route[]): Route[] {
  if (basePath === '/') return [...routes];
  return routes.map((route) => {
    return { ...route, path: route.path === '/' ? basePath : basePath + route.path };
  });
}

/** Errors: rejects with the first address whose host cannot be resolved. */
async function resolveAll(flag: string, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const parts = splitHostPort(address);
    let why = parts instanceof InvalidValue ? `it ${parts.why}` : undefined;
    if (!(parts instanceof InvalidValue) && parts.host !== '') {
      why = await lookup(parts.host).then(() => undefined, systemErrorText);
    }
    if (why !== undefined) throw new Error(`failed to resolve --${flag} (${address}) - ${why}`);
  }
}
