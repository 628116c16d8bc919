/**
 * nsqlookupd: puts its parts together, starts them, and ends them.
 *
 * Thread: main. Source: nsqlookupd `New`, `Main`, `Exit`.
 */

import os from 'node:os';
import { ConnectionLimit } from '../../daemon/connection-limit.ts';
import { descriptorLimit } from '../../daemon/descriptor-limit.ts';
import { goJson } from '../../daemon/go/go-text.ts';
import { routesFor } from '../../daemon/http/access.ts';
import { Endpoints } from '../../daemon/http/endpoints.ts';
import { HttpServer } from '../../daemon/http/http-server.ts';
import { LargeAnswers } from '../../daemon/http/large-answers.ts';
import type { BodyMemory } from '../../daemon/http/request-gatherer.ts';
import { UnfinishedHeads } from '../../daemon/http/unfinished-heads.ts';
import { listenAt } from '../../daemon/listen-address.ts';
import { profileRoutes } from '../../daemon/profiling/profile-endpoints.ts';
import { Stalls } from '../../daemon/profiling/stalls.ts';
import { RefusedSockets } from '../../daemon/refused-sockets.ts';
import type { ServerContext } from '../../daemon/server-context.ts';
import { NSQD_VERSION, productLine, versionLine } from '../../daemon/version.ts';
import { connectionsMax } from '../connections-max.ts';
import { healthRoutes } from '../health-endpoints.ts';
import { metricsText, ServerCounts } from '../server-metrics.ts';
import { lookupRoutes } from './lookup-endpoints.ts';
import { LookupServer } from './lookup-server.ts';
import { LOOKUPD_METRICS, type LookupdStatistics } from './lookupd-metrics.ts';
import type { LookupdOptions } from './lookupd-options.ts';
import { registrationRoutes } from './registration-endpoints.ts';
import { Registrations } from './registrations.ts';
import { stateRoutes } from './state-endpoints.ts';
import { Watchers } from './watchers.ts';

/** No endpoint reads a body. */
const NO_BODIES: BodyMemory = { note: () => undefined, forget: () => undefined };

export class Lookupd {
  tcpPort = 0;
  httpPort = 0;

  readonly #options: LookupdOptions;
  readonly #context: ServerContext;
  /** Changed in place. */
  readonly #times = { inactiveMs: 0, tombstoneMs: 0 };
  readonly #limit: ConnectionLimit;
  readonly #registrations: Registrations;
  readonly #watchers: Watchers;
  readonly #tcp: LookupServer;
  readonly #http: HttpServer;
  readonly #counts: ServerCounts;
  #isEnding = false;

  /** Errors: rejects with why it cannot listen. */
  static async start(options: LookupdOptions, context: ServerContext): Promise<Lookupd> {
    const lookupd = new Lookupd(options, context);
    try {
      await lookupd.#listen();
    } catch (error) {
      await lookupd.close();
      throw error;
    }
    return lookupd;
  }

  private constructor(options: LookupdOptions, context: ServerContext) {
    const { clock, guard, logger } = context;
    this.#options = options;
    this.#context = context;
    this.setTimes(options);
    const most = connectionsMax(options.maxConnections, descriptorLimit());
    this.#limit = new ConnectionLimit(most, clock, logger);
    this.#counts = new ServerCounts(clock, this.#limit, guard);
    this.#registrations = new Registrations({
      times: this.#times,
      max: options.maxRegistrations,
      clock,
      onChange: (topic) => this.#watchers.note(topic),
    });
    this.#watchers = new Watchers(this.#registrations, clock);
    const shared = {
      registrations: this.#registrations,
      registrationsMax: options.maxProducerRegistrations,
      identity: () => this.#identity(),
      clock,
      guard,
      logger,
      refused: new RefusedSockets(clock),
    };
    this.#tcp = new LookupServer(shared, this.#limit);
    const endpoints = this.#endpoints();
    this.#http = new HttpServer({
      handle: (request) => endpoints.handle(request),
      refuseConnect: (target) => endpoints.connectRefusal(target),
      clock,
      limit: this.#limit,
      heads: new UnfinishedHeads(clock, logger),
      guard,
      tls: null,
    });
  }

  /** Applies new timeouts for brokers and tombstones. */
  setTimes(times: Pick<LookupdOptions, 'inactiveProducerTimeoutMs' | 'tombstoneLifetimeMs'>): void {
    this.#times.inactiveMs = times.inactiveProducerTimeoutMs;
    this.#times.tombstoneMs = times.tombstoneLifetimeMs;
  }

  /** Closes all, and resolves when it is closed. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.#tcp.close();
    this.#watchers.close();
    await this.#http.stop();
  }

  async #listen(): Promise<void> {
    const { logger } = this.#context;
    const { tcpAddress, httpAddress } = this.#options;
    logger.info(productLine());
    logger.info(versionLine('nsqlookupd'));
    this.tcpPort = await listenAt(logger, 'TCP', tcpAddress, (at) => this.#tcp.listen(at));
    this.httpPort = await listenAt(logger, 'HTTP', httpAddress, (at) => this.#http.start(at));
  }

  #endpoints(): Endpoints {
    const { clock, guard, logger } = this.#context;
    const { broadcastAddress, debugHttp } = this.#options;
    const registrations = this.#registrations;
    const answers = new LargeAnswers(clock, logger);
    const profiles = profileRoutes(new Stalls(logger, clock), clock, logger);
    return new Endpoints({
      logger,
      guard,
      clock,
      bodies: NO_BODIES,
      countAnswer: (status) => this.#counts.countAnswer(status),
      names: [os.hostname(), broadcastAddress],
      routes: [
        ...healthRoutes({
          answers,
          metrics: (format) => metricsText(LOOKUPD_METRICS, this.#statistics(), format),
          unreadiness: () => (this.#isEnding ? 'it ends' : null),
        }),
        ...stateRoutes({ registrations, answers }),
        ...lookupRoutes({ registrations, watchers: this.#watchers, answers }),
        ...registrationRoutes({ registrations, logger }),
        ...routesFor(debugHttp, profiles),
      ],
      authorize: () => null,
    });
  }

  #identity(): string {
    const json = goJson({
      broadcast_address: this.#options.broadcastAddress,
      hostname: os.hostname(),
      http_port: this.httpPort,
      tcp_port: this.tcpPort,
      version: NSQD_VERSION,
    });
    return Buffer.from(json).toString('latin1');
  }

  #statistics(): LookupdStatistics {
    const registrations = this.#registrations;
    let topicCount = 0;
    for (const { producers } of registrations.topics.values()) if (producers !== null) topicCount++;
    let activeProducerCount = 0;
    for (const producer of registrations.producers()) {
      if (registrations.isActive(producer)) activeProducerCount++;
    }
    return {
      ...this.#counts.statistics(),
      topicCount,
      channelCount: registrations.keyCount - topicCount,
      producerCount: registrations.producerCount,
      activeProducerCount,
      watcherCount: this.#watchers.count,
    };
  }
}
