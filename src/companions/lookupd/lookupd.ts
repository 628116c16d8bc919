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
import { listenAt } from '../../daemon/listen-address.ts';
import { profileRoutes } from '../../daemon/profiling/profile-endpoints.ts';
import { Stalls } from '../../daemon/profiling/stalls.ts';
import { RefusedSockets } from '../../daemon/refused-sockets.ts';
import type { Surroundings } from '../../daemon/surroundings.ts';
import { NSQD_VERSION, productLine, versionLine } from '../../daemon/version.ts';
import { lookupRoutes } from './lookup-endpoints.ts';
import { LookupServer } from './lookup-server.ts';
import type { LookupdStatistics } from './lookupd-metrics.ts';
import type { LookupdOptions } from './lookupd-options.ts';
import { registrationRoutes } from './registration-endpoints.ts';
import { Registrations } from './registrations.ts';
import { stateRoutes } from './state-endpoints.ts';
import { Watchers } from './watchers.ts';

/** Listeners, the runtime's own files, additional HTTP connections, and clients being refused. */
const OWN_DESCRIPTORS = 96;
/** If there are very few, clients get half of them. */
const RESERVE_SHARE_MAX = 1 / 2;
const US_PER_SECOND = 1e6;
const NS_PER_MS = 1_000_000n;

/** No endpoint reads a body. */
const NO_BODIES: BodyMemory = { note: () => undefined, forget: () => undefined };

export class Lookupd {
  tcpPort = 0;
  httpPort = 0;

  readonly #options: LookupdOptions;
  readonly #surroundings: Surroundings;
  /** Changed in place. */
  readonly #times = { inactiveMs: 0, tombstoneMs: 0 };
  readonly #startTimeMs: number;
  readonly #limit: ConnectionLimit;
  readonly #registrations: Registrations;
  readonly #watchers: Watchers;
  readonly #tcp: LookupServer;
  readonly #http: HttpServer;
  readonly #answerCounts = new Map<number, number>();
  #isEnding = false;

  /** Errors: rejects with why it cannot listen. */
  static async start(options: LookupdOptions, surroundings: Surroundings): Promise<Lookupd> {
    const lookupd = new Lookupd(options, surroundings);
    try {
      await lookupd.#listen();
    } catch (error) {
      await lookupd.close();
      throw error;
    }
    return lookupd;
  }

  private constructor(options: LookupdOptions, surroundings: Surroundings) {
    const { clock, guard, logger } = surroundings;
    this.#options = options;
    this.#surroundings = surroundings;
    this.setTimes(options);
    this.#startTimeMs = Number(clock.unixNs() / NS_PER_MS);
    this.#limit = new ConnectionLimit(connectionsMax(options, descriptorLimit()), clock, logger);
    this.#registrations = new Registrations({
      times: this.#times,
      max: options.maxRegistrations,
      clock,
      onChange: (topic) => this.#watchers.note(topic),
    });
    this.#watchers = new Watchers(this.#registrations, clock);
    const context = {
      registrations: this.#registrations,
      registrationsMax: options.maxProducerRegistrations,
      identity: () => this.#identity(),
      clock,
      guard,
      logger,
      refused: new RefusedSockets(clock),
    };
    this.#tcp = new LookupServer(context, this.#limit);
    const endpoints = this.#endpoints();
    this.#http = new HttpServer({
      handle: (request) => endpoints.handle(request),
      clock,
      limit: this.#limit,
      guard,
      tls: null,
    });
  }

  /** From now on brokers and tombstones are judged by these. */
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
    const { logger } = this.#surroundings;
    const { tcpAddress, httpAddress } = this.#options;
    logger.info(productLine());
    logger.info(versionLine('nsqlookupd'));
    this.tcpPort = await listenAt(logger, 'TCP', tcpAddress, (at) => this.#tcp.listen(at));
    this.httpPort = await listenAt(logger, 'HTTP', httpAddress, (at) => this.#http.start(at));
  }

  #endpoints(): Endpoints {
    const { clock, guard, logger } = this.#surroundings;
    const { broadcastAddress, debugHttp } = this.#options;
    const registrations = this.#registrations;
    const answers = new LargeAnswers(clock, logger);
    const profiles = profileRoutes(new Stalls(logger, clock), clock, logger);
    return new Endpoints({
      logger,
      guard,
      clock,
      bodies: NO_BODIES,
      countAnswer: (status) => {
        this.#answerCounts.set(status, (this.#answerCounts.get(status) ?? 0) + 1);
      },
      names: [os.hostname(), broadcastAddress],
      routes: [
        ...stateRoutes({
          registrations,
          answers,
          statistics: () => this.#statistics(),
          unreadiness: () => (this.#isEnding ? 'it ends' : null),
        }),
        ...lookupRoutes({ registrations, watchers: this.#watchers, answers }),
        ...registrationRoutes({ registrations, logger }),
        ...routesFor(debugHttp, profiles),
      ],
      judge: () => null,
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
    const { user, system } = process.cpuUsage();
    return {
      startTimeMs: this.#startTimeMs,
      topicCount,
      channelCount: registrations.keyCount - topicCount,
      producerCount: registrations.producerCount,
      activeProducerCount,
      connectionCount: this.#limit.count,
      refusedConnectionCount: this.#limit.refusedCount,
      failedInputCount: this.#surroundings.guard.failedCount,
      watcherCount: this.#watchers.count,
      answers: this.#answerCounts,
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / US_PER_SECOND,
    };
  }
}

/** How many connections there may be. Units: `limit` in descriptors, undefined for none. */
function connectionsMax({ maxConnections }: LookupdOptions, limit: number | undefined): number {
  const asked = maxConnections === 0 ? Number.POSITIVE_INFINITY : maxConnections;
  if (limit === undefined) return asked;
  return Math.min(asked, limit - Math.min(OWN_DESCRIPTORS, Math.ceil(limit * RESERVE_SHARE_MAX)));
}
