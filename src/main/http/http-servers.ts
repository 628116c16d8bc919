/**
 * The broker's two HTTP servers: plain HTTP, and HTTPS, which listens only if there is a certificate.
 *
 * Thread: main. Source: nsqd `New`, `Main`.
 */

import type { Answer } from '../../daemon/http/answer.ts';
import { HttpServer, type HttpServerSetup } from '../../daemon/http/http-server.ts';
import { UnfinishedHeads } from '../../daemon/http/unfinished-heads.ts';
import { listenAt } from '../../daemon/listen-address.ts';
import type { Options } from '../options/options.ts';
import { HttpApi, type HttpApiSetup } from './http-api.ts';
import { PublishLane, type PublishLaneSetup } from './lane/publish-lane.ts';

/** The dependencies of the servers. */
export type HttpServersSetup = Omit<
  HttpServerSetup,
  'handle' | 'refuseConnect' | 'lane' | 'heads'
> &
  Pick<PublishLaneSetup, 'onPending' | 'budget'> &
  HttpApiSetup & {
    readonly options: Pick<
      Options,
      'tlsRequired' | 'httpAddress' | 'httpsAddress' | 'sharedHttpPort' | 'sharedHttpsPort'
    >;
  };

export class HttpServers {
  readonly http: HttpServer;
  /** If TLS is required, plain HTTP refuses requests and names this port. */
  readonly https: HttpServer;
  readonly #setup: HttpServersSetup;
  #httpsPort = 0;

  constructor(setup: HttpServersSetup) {
    const { options, clock, limit, guard, tls, logger } = setup;
    const api = new HttpApi(setup);
    const refuseConnect = (target: string): Answer => api.connectRefusal(target);
    const heads = new UnfinishedHeads(clock, logger);
    this.#setup = setup;
    const isTlsRequired = options.tlsRequired === true;
    const lane = new PublishLane({
      ...setup,
      endpoints: api.publishing,
      isOwnHost: (host) => api.isOwnHost(host),
    });
    this.http = new HttpServer({
      handle: (request) => {
        if (isTlsRequired) api.refuseWithoutTls(request, this.#httpsPort);
        else api.handle(request);
      },
      refuseConnect,
      clock,
      limit,
      heads,
      guard,
      tls: null,
      lane: isTlsRequired ? undefined : lane,
    });
    this.https = new HttpServer({
      handle: (request) => api.handle(request),
      refuseConnect,
      clock,
      limit,
      heads,
      guard,
      tls,
    });
  }

  /** Listens as the options say. Resolves with the port of plain HTTP, 0 without one. Errors: as `listenAt`. */
  async listen(): Promise<number> {
    const { options, logger, tls } = this.#setup;
    const { httpAddress, httpsAddress } = options;
    if (tls !== null && httpsAddress !== '') {
      this.#httpsPort = await listenAt(logger, 'HTTPS', httpsAddress, (at) => this.https.start(at));
    }
    if (httpAddress === '') return 0;
    const port = await listenAt(logger, 'HTTP', httpAddress, (at) => this.http.start(at));
    this.#warnOfNetwork();
    return port;
  }

  /** Listens on shared ports as well, where there are any. Errors: as `SharedPort.listen`. */
  async share(): Promise<void> {
    const { options, logger, tls } = this.#setup;
    const { httpAddress, httpsAddress, sharedHttpPort, sharedHttpsPort } = options;
    if (tls !== null && sharedHttpsPort !== 0) {
      const place = { kind: 'HTTPS', address: httpsAddress, port: sharedHttpsPort } as const;
      await this.https.share(logger, place);
    }
    if (sharedHttpPort !== 0) {
      const place = { kind: 'HTTP', address: httpAddress, port: sharedHttpPort } as const;
      await this.http.share(logger, place);
    }
  }

  /** Warns if other machines can reach plain HTTP. */
  #warnOfNetwork(): void {
    const { options, logger, access } = this.#setup;
    if (this.http.isLocal || options.tlsRequired === true) return;
    logger.warn(
      access === null
        ? 'HTTP: every host that reaches this address may publish, delete and drain; --http-access says who may'
        : 'HTTP: secrets of --http-access cross the network as they are; --tls-required=true refuses plain HTTP',
    );
  }

  /** Closes both servers, and resolves when all connections are closed. */
  async stop(): Promise<void> {
    await Promise.all([this.http.stop(), this.https.stop()]);
  }
}
