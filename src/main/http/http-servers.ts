/**
 * The broker's two HTTP servers: one for plain HTTP, one for HTTPS, which listens only with a certificate.
 *
 * Thread: main. Source: nsqd `New`, `Main`.
 */

import { HttpServer, type HttpServerSetup } from '../../daemon/http/http-server.ts';
import type { Options } from '../options/options.ts';
import type { HttpApi } from './http-api.ts';
import { PublishLane, type PublishLaneSetup } from './lane/publish-lane.ts';

/** What the servers are made of. */
export type HttpServersSetup = Omit<HttpServerSetup, 'handle' | 'lane'> &
  Pick<PublishLaneSetup, 'bodies' | 'requestTurn'> & {
    readonly api: HttpApi;
    readonly options: Pick<Options, 'tlsRequired'>;
    /** The port of HTTPS. */
    readonly httpsPort: () => number;
  };

export class HttpServers {
  readonly http: HttpServer;
  /** Where TLS is required `http` refuses, and says on which port this is. */
  readonly https: HttpServer;
  readonly #lane: PublishLane;

  constructor(setup: HttpServersSetup) {
    const { api, options, httpsPort, clock, limit, guard, tls } = setup;
    const isTlsRequired = options.tlsRequired === true;
    const lane = new PublishLane({
      ...setup,
      endpoints: api.publishing,
      isOwnHost: (host) => api.isOwnHost(host),
    });
    this.#lane = lane;
    this.http = new HttpServer({
      handle: (request) => {
        if (isTlsRequired) api.refuseWithoutTls(request, httpsPort());
        else api.handle(request);
      },
      clock,
      limit,
      guard,
      tls: null,
      lane: isTlsRequired ? undefined : lane,
    });
    this.https = new HttpServer({
      handle: (request) => api.handle(request),
      clock,
      limit,
      guard,
      tls,
    });
  }

  /** Writes the output of this turn. */
  flush(): void {
    this.#lane.flush();
  }

  /** Closes both, and resolves when all connections are closed. */
  async stop(): Promise<void> {
    await Promise.all([this.http.stop(), this.https.stop()]);
  }
}
