/**
 * The HTTP API: takes a request to its endpoint, or answers that there is none.
 *
 * Thread: main.
 * Source: nsqd `newHTTPServer`.
 */

import { type Answer, jsonTextAnswer } from '../../daemon/http/answer.ts';
import { Endpoints } from '../../daemon/http/endpoints.ts';
import type { ExchangeSetup, KnownClient, Request } from '../../daemon/http/exchange.ts';
import { LargeAnswers } from '../../daemon/http/large-answers.ts';
import type { Route } from '../../daemon/http/router.ts';
import type { Clock } from '../../shared/clock.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import type { MemoryStatistics } from '../stats/memory-statistics.ts';
import type { ReadinessCheck } from '../stats/readiness.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { channelRoutes } from './channel-endpoints.ts';
import { configRoutes } from './config-endpoints.ts';
import { debugRoutes } from './debug-endpoints.ts';
import { healthRoutes } from './health-endpoints.ts';
import type { HttpAccess } from './http-access.ts';
import { infoRoutes } from './info-endpoints.ts';
import { messageRoutes } from './messages/message-endpoints.ts';
import { type MetricsSource, metricsRoutes } from './metrics/metrics-endpoint.ts';
import { policyRoutes } from './policy-endpoints.ts';
import { PublishEndpoints, publishRoutes } from './publish-endpoints.ts';
import { OPEN, roleOf } from './route-roles.ts';
import { statsRoutes } from './stats-endpoint.ts';
import { topicRoutes } from './topic-endpoints.ts';
import { pageRoutes } from './ui/page-endpoints.ts';
import type { PageSource } from './ui/page-source.ts';

/** The dependencies of the API. */
export interface HttpApiSetup extends ExchangeSetup {
  readonly broker: HttpBroker;
  readonly clock: Clock;
  /** The machine's name. */
  readonly hostname: string;
  /** Memory use at the time of the call. */
  readonly memory: () => MemoryStatistics;
  readonly policies: PolicyStore;
  readonly metrics: MetricsSource;
  /** The result of each readiness check. */
  readonly readiness: () => readonly ReadinessCheck[];
  /** Null without an access file. */
  readonly access: HttpAccess | null;
  /** The source of the page's data; null if there is no page. */
  readonly page: PageSource | null;
}

export class HttpApi {
  readonly publishing: PublishEndpoints;
  readonly routes: readonly Route[];

  readonly #access: HttpAccess | null;
  readonly #endpoints: Endpoints;

  constructor(setup: HttpApiSetup) {
    const { options } = setup.broker;
    this.#access = setup.access;
    this.publishing = new PublishEndpoints(setup.broker, setup.logger);
    const answers = new LargeAnswers(setup.clock, setup.logger);
    this.routes = [
      ...publishRoutes(this.publishing),
      ...topicRoutes(setup),
      ...channelRoutes(setup),
      ...statsRoutes(setup, answers),
      ...messageRoutes(setup),
      ...metricsRoutes(setup.metrics, answers),
      ...healthRoutes(setup),
      ...infoRoutes(setup),
      ...configRoutes(setup),
      ...policyRoutes({ ...setup, configHttp: options.configHttp }),
      ...debugRoutes(setup),
      ...pageRoutes(setup),
    ];
    this.#endpoints = new Endpoints({
      ...setup,
      names: [setup.hostname, options.broadcastAddress],
      routes: this.routes,
      authorize: (request, route) => this.#clientOf(request, route),
    });
  }

  /** Whether the API, if it listens on loopback only, answers requests for this host. */
  isOwnHost(host: string): boolean {
    return this.#endpoints.isOwnHost(host);
  }

  /** Answers a request, now or later. */
  handle(request: Request): void {
    this.#endpoints.handle(request);
  }

  /** The answer to CONNECT, before its connection is closed. */
  connectRefusal(target: string): Answer {
    return this.#endpoints.connectRefusal(target);
  }

  /** Answers every request that TLS is required, and on which port. */
  refuseWithoutTls(request: Request, httpsPort: number): void {
    const body = `{"message": "TLS_REQUIRED", "https_port": ${httpsPort}}`;
    this.#endpoints.answer(request, jsonTextAnswer(403, body));
  }

  /** The known client, or the refusal; null if there is no access file. */
  #clientOf(
    { request }: Request,
    route: Route,
  ): KnownClient | Answer | null | Promise<KnownClient | Answer> {
    if (this.#access === null) return null;
    const role = roleOf(route);
    return role === OPEN ? null : this.#access.authorize(request, role);
  }
}
