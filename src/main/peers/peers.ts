/**
 * The programs that the broker reports to, nsqlookupds and statsd, and the HTTP client that asks nsqlookupds and auth
 * servers.
 *
 * Thread: main.
 */

import os from 'node:os';
import { FIELDS_BYTES_MAX } from '../../daemon/go/go-fields.ts';
import { HttpClient, type HttpClientTls } from '../../daemon/http-client.ts';
import type { ServerContext } from '../../daemon/server-context.ts';
import type { Options } from '../options/options.ts';
import { Lookupd, type LookupdSetup } from './lookupd/lookupd.ts';
import { brokerIdentity } from './lookupd/peer-info.ts';
import { StatsdReporter, type StatsdSetup } from './statsd/statsd-reporter.ts';

type Setup = Pick<LookupdSetup, 'topics'> &
  Pick<StatsdSetup, 'stats' | 'memory'> & {
    readonly options: Options;
    readonly context: ServerContext;
    readonly tls: HttpClientTls;
  };

export class Peers {
  readonly http: HttpClient;
  readonly lookupd: Lookupd;
  readonly #setup: Setup;
  /** Undefined without an address to report to. */
  #statsd: StatsdReporter | undefined;

  constructor(setup: Setup) {
    const { options, context, topics, tls } = setup;
    this.#setup = setup;
    this.http = new HttpClient({
      connectTimeoutMs: options.httpClientConnectTimeoutMs,
      requestTimeoutMs: options.httpClientRequestTimeoutMs,
      tls,
      clock: context.clock,
    });
    this.lookupd = new Lookupd({
      ...context,
      addresses: options.lookupdTcpAddress,
      topics,
      replyBytesMax: Math.min(options.maxBodySize, FIELDS_BYTES_MAX),
      http: this.http,
    });
  }

  /** Begins to report. `tcpPort`, `httpPort`: where the broker listens, unless the options name others for peers. */
  start(tcpPort: number, httpPort: number): void {
    const { options, context, stats, memory } = this.#setup;
    const broadcastHttpPort = options.broadcastHttpPort || httpPort;
    const broadcastTcpPort = options.broadcastTcpPort || tcpPort;
    this.lookupd.start(brokerIdentity(options, os.hostname(), broadcastTcpPort, broadcastHttpPort));
    this.#statsd = StatsdReporter.begin({
      ...context,
      options,
      broadcastHttpPort,
      stats,
      memory,
    });
  }

  /** Ends all peers except nsqlookupds, which are disconnected before: `lookupd.stop`. */
  async close(): Promise<void> {
    await this.#statsd?.stop();
    await this.http.close();
  }
}
