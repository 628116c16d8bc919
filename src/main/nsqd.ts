/**
 * The broker: puts its parts together, starts them, and ends them cleanly.
 *
 * Thread: main. Source: nsqd `NSQD`.
 */

import os from 'node:os';
import path from 'node:path';
import { type DataLock, lockDataPath } from '../daemon/data-lock.ts';
import { FIELDS_BYTES_MAX } from '../daemon/go/go-fields.ts';
import type { Guard } from '../daemon/guard.ts';
import { HttpClient, type HttpClientTls } from '../daemon/http-client.ts';
import { listenAt } from '../daemon/listen-address.ts';
import type { Logger } from '../daemon/log.ts';
import type { Surroundings } from '../daemon/surroundings.ts';
import { reloadCertificate } from '../daemon/tls/certificate-reload.ts';
import { peerTlsOptions } from '../daemon/tls/peer-tls.ts';
import { TlsContext } from '../daemon/tls/tls-context.ts';
import { productLine, versionLine } from '../daemon/version.ts';
import { rethrowBug } from '../shared/assert.ts';
import type { Clock } from '../shared/clock.ts';
import type { PumpEvent } from '../shared/control.ts';
import { errorText } from '../shared/error-text.ts';
import { AuthServers } from './auth/auth-servers.ts';
import { HttpApi } from './http/http-api.ts';
import { HttpServers } from './http/http-servers.ts';
import { Bounds } from './limits/bounds.ts';
import type { Options } from './options/options.ts';
import { Lookupd } from './peers/lookupd/lookupd.ts';
import { brokerIdentity } from './peers/lookupd/peer-info.ts';
import { StatsdReporter } from './peers/statsd/statsd-reporter.ts';
import { Policies } from './policies/policies.ts';
import type { Policy } from './policies/policy.ts';
import { PolicyStore } from './policies/policy-store.ts';
import type { PumpHandle } from './pumps/pump-handle.ts';
import { Turn } from './pumps/turn.ts';
import { crashOf, WorkerPools } from './pumps/worker-pools.ts';
import { MemoryMonitor } from './stats/memory-statistics.ts';
import { StatsCollector, TOTALS } from './stats/stats-collector.ts';
import { foundText, resourceLines, storedFiles } from './storage/start-report.ts';
import { Storage } from './storage/storage.ts';
import type { Connection } from './tcp/connection.ts';
import { Deadlines } from './tcp/deadlines.ts';
import { TcpServer } from './tcp/tcp-server.ts';
import { BrokerOperations } from './topics/broker-operations.ts';
import { BrokerCore } from './topics/core.ts';

export class Nsqd {
  /** Resolves when the broker cannot continue, with the reason. */
  readonly failed: Promise<Error>;

  readonly #options: Options;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #guard: Guard;
  readonly #lock: DataLock;
  readonly #bounds: Bounds;
  readonly #pools: WorkerPools;
  readonly #policies: PolicyStore;
  readonly #core: BrokerCore;
  readonly #httpClient: HttpClient;
  readonly #lookupd: Lookupd;
  /** Undefined without an address to report to. */
  #statsd: StatsdReporter | undefined;
  readonly #storage: Storage;
  readonly #stats: StatsCollector;
  readonly #operations: BrokerOperations;
  readonly #tcp: TcpServer;
  readonly #http: HttpServers;
  readonly #tls: TlsContext | null;
  #httpsPort = 0;
  readonly #memory = new MemoryMonitor();
  readonly #turn: Turn;
  #isLoading = true;
  #isExiting = false;

  /** Starts a broker. Errors: rejects with the reason if it cannot run; then nothing remains of it. */
  static async start(
    options: Options,
    surroundings: Surroundings,
    policies: readonly Policy[] = [],
  ): Promise<Nsqd> {
    const { logger } = surroundings;
    const dataPath = path.resolve(options.dataPath);
    const tls = options.tlsCert === '' ? null : await TlsContext.load(options);
    const peerTls = await peerTlsOptions(options);
    const lock = await lockDataPath(dataPath, (text) => logger.warn(text));
    const nsqd = new Nsqd({ ...options, dataPath }, surroundings, policies, lock, tls, peerTls);
    try {
      await nsqd.#open();
    } catch (error) {
      await nsqd.#abandon();
      throw error;
    }
    return nsqd;
  }

  private constructor(
    options: Options,
    { logger, clock, guard }: Surroundings,
    policies: readonly Policy[],
    lock: DataLock,
    tls: TlsContext | null,
    peerTls: HttpClientTls,
  ) {
    this.#tls = tls;
    this.#options = options;
    this.#logger = logger;
    this.#clock = clock;
    this.#guard = guard;
    this.#lock = lock;
    logger.info(productLine());
    logger.info(versionLine());
    logger.info(`ID: ${options.nodeId}`);
    this.#turn = new Turn(() => void this.#core.endTurn());
    this.#bounds = new Bounds(options, clock, logger, (shortage) => {
      this.#core.topics.diskShortage = shortage;
    });
    this.#pools = new WorkerPools(options, this.#bounds.pumpBytes);
    this.failed = crashOf(this.#pools.ended);
    this.#httpClient = new HttpClient({
      connectTimeoutMs: options.httpClientConnectTimeoutMs,
      requestTimeoutMs: options.httpClientRequestTimeoutMs,
      tls: peerTls,
      clock,
    });
    const auth = AuthServers.of(options, this.#httpClient, guard);
    this.#lookupd = new Lookupd({
      addresses: options.lookupdTcpAddress,
      topics: () => this.#core.topics.values(),
      replyBytesMax: Math.min(options.maxBodySize, FIELDS_BYTES_MAX),
      http: this.#httpClient,
      clock,
      guard,
      logger,
    });
    const inForce = new Policies(options, policies);
    this.#core = new BrokerCore({
      pumps: this.#pools.pumps,
      mainBell: this.#pools.mainBell,
      clock,
      guard,
      logger,
      registry: this.#lookupd,
      policies: inForce,
      maxMsgSize: options.maxMsgSize,
      onChange: () => this.#onTopicsChanged(),
      requestTurn: () => this.#turn.request(),
      target: (consumer) => this.#tcp.get(consumer),
      flushClients: () => {
        this.#tcp.flush();
        this.#http.flush();
      },
      onEvent: (event) => this.#onEvent(event),
    });
    const { topics, publisher } = this.#core;
    this.#policies = new PolicyStore({
      dataPath: options.dataPath,
      policies: inForce,
      clock,
      logger,
      apply: () => topics.applyPolicies(),
    });
    this.#storage = new Storage({
      ...options,
      topics: () => topics.values(),
      callers: [...this.#pools.diskPulses, this.#bounds.disk, this.#policies],
      files: [this.#policies],
      clock,
      logger,
      onRefusal: (refusal) => {
        topics.writeRefusal = refusal;
      },
    });
    this.#tcp = new TcpServer(
      {
        options,
        topics,
        publisher,
        httpPort: () => this.#operations.httpPort,
        clock,
        deadlines: new Deadlines(clock),
        logger,
        guard,
        bodies: this.#bounds.bodies,
        tls,
        auth,
        onLeft: (connection) => this.#onLeft(connection),
      },
      this.#bounds.limit,
      () => this.#turn.request(),
    );
    const clients = {
      get: (number: number) => this.#tcp.get(number)?.client,
      values: () => this.#tcp.clients(),
    };
    this.#stats = new StatsCollector(topics, clients, inForce, options, clock);
    this.#operations = new BrokerOperations({
      options,
      startTimeMs: Number(clock.unixNs() / 1_000_000n),
      logger,
      topics,
      storage: this.#storage,
      publisher,
      stats: this.#stats,
      lookupd: this.#lookupd,
      limit: this.#bounds.limit,
      guard,
    });
    const api = new HttpApi({
      broker: this.#operations,
      logger,
      clock,
      guard,
      bodies: this.#bounds.bodies,
      hostname: os.hostname(),
      policies: this.#policies,
      memory: () => this.#memory.read(),
    });
    this.#http = new HttpServers({
      api,
      options,
      httpsPort: () => this.#httpsPort,
      clock,
      limit: this.#bounds.limit,
      bodies: this.#bounds.bodies,
      guard,
      tls,
      requestTurn: () => this.#turn.request(),
    });
    tls?.forgetKey();
  }

  /** Ends the broker in nsqd's order. Resolves with what could not be written, or null. Errors: rejects with a bug. */
  async close(): Promise<string | null> {
    this.#isExiting = true;
    this.#tcp.close();
    await this.#http.stop();
    this.#lookupd.stop();
    await this.#statsd?.stop();
    await this.#httpClient.close();
    this.#logger.info('NSQ: closing topics');
    const failure = await this.#closeStorage(this.#core.pumps);
    // Threads that hang are the caller's to end; this must be said first.
    if (failure !== null) return failure;
    // The crash of a thread is told by `failed`.
    await this.#pools.ended.catch(() => new Promise(() => undefined));
    await this.#stopThreads();
    this.#logger.info('NSQ: bye');
    return null;
  }

  reloadCertificate(): Promise<void> {
    return reloadCertificate(this.#tls, this.#guard, this.#logger);
  }

  /** Policies that can be set while the broker runs. */
  get policies(): PolicyStore {
    return this.#policies;
  }

  /**
   * Writes what is in memory to disk after a bug or the crash of a thread, as far as threads still run, also in the
   * middle of `close`.
   * Resolves with what went wrong, or null.
   */
  async rescue(): Promise<string | null> {
    this.#isExiting = true;
    const stops = [() => this.#tcp.close(), () => this.#http.stop(), () => this.#lookupd.stop()];
    // What has thrown before may throw again, and must not keep the rest from being done.
    void Promise.allSettled(stops.map(async (stop) => await stop()));
    const pumps = this.#core.pumps.filter((_, index) => this.#pools.canClose(index));
    const closing = this.#closeStorage(pumps);
    // A bug may have ended it.
    void this.#core.run();
    const error = await closing;
    return pumps.length === this.#core.pumps.length ? error : 'a thread has crashed';
  }

  /** Ends the worker threads whatever they are doing. Resolves when they are gone. */
  terminate(): Promise<void> {
    return this.#pools.destroy();
  }

  // Start

  async #open(): Promise<void> {
    void this.#core.run();
    this.#memory.start();
    await this.#storage.open();
    await this.#bounds.disk.start();
    await this.#policies.load();
    await this.#load();
    await this.#storage.save();
    await this.#logStart();
    const { tcpAddress } = this.#options;
    this.#operations.tcpPort = await listenAt(this.#logger, 'TCP', tcpAddress, (at) =>
      this.#tcp.listen(at),
    );
    await this.#openHttp();
    this.#startReporting();
  }

  async #logStart(): Promise<void> {
    const { dataPath } = this.#options;
    const stats = await this.#stats.collect(TOTALS);
    this.#logger.info(foundText(dataPath, stats, storedFiles(dataPath)));
    for (const line of resourceLines(this.#options)) this.#logger.info(line);
  }

  #startReporting(): void {
    const options = this.#options;
    const httpPort = options.broadcastHttpPort || this.#operations.httpPort;
    const tcpPort = options.broadcastTcpPort || this.#operations.tcpPort;
    const identity = brokerIdentity(options, os.hostname(), tcpPort, httpPort);
    this.#lookupd.start(identity);
    if (options.statsdAddress === '') return;
    this.#statsd = new StatsdReporter({
      options,
      broadcastHttpPort: httpPort,
      stats: () => this.#stats.collect(TOTALS),
      memory: () => this.#memory.read(),
      clock: this.#clock,
      guard: this.#guard,
      logger: this.#logger,
    });
    this.#statsd.start();
  }

  async #openHttp(): Promise<void> {
    const { httpAddress, httpsAddress } = this.#options;
    if (this.#tls !== null && httpsAddress !== '') {
      this.#httpsPort = await listenAt(this.#logger, 'HTTPS', httpsAddress, (at) =>
        this.#http.https.start(at),
      );
    }
    if (httpAddress === '') return;
    this.#operations.httpPort = await listenAt(this.#logger, 'HTTP', httpAddress, (at) =>
      this.#http.http.start(at),
    );
  }

  async #load(): Promise<void> {
    await this.#core.restore(await this.#storage.load(), await this.#storage.seen.load());
    this.#isLoading = false;
  }

  // End

  /** Returns what went wrong, or null. */
  #closeStorage(pumps: readonly PumpHandle[]): Promise<string | null> {
    return this.#storage.close(pumps, () => this.#operations.backendError());
  }

  async #stopThreads(): Promise<void> {
    this.#core.stop();
    this.#memory.stop();
    this.#bounds.disk.stop();
    this.#storage.stop();
    this.#policies.stop();
    await this.#pools.destroy();
    await this.#lock.release();
  }

  /** Ends what a failed start has begun; nothing was accepted, so nothing is written. */
  async #abandon(): Promise<void> {
    this.#isExiting = true;
    this.#tcp.close();
    await this.#http.stop();
    this.#lookupd.stop();
    await this.#httpClient.close();
    await this.#stopThreads();
  }

  // Events

  #onLeft(connection: Connection): void {
    const { state } = connection.client;
    if (this.#isExiting || state.state === 'init') return;
    this.#core.topics.leave(state.channel, connection).catch((error: unknown) => {
      rethrowBug(error);
      this.#logger.error(`failed to delete ephemeral channel - ${errorText(error)}`);
    });
  }

  #onEvent(event: PumpEvent): void {
    if (event.event === 'log') {
      this.#logger[event.level](event.text);
      return;
    }
    if (event.error !== null) this.#logger.error(`disk queue failed - ${event.error}`);
  }

  #onTopicsChanged(): Promise<void> | undefined {
    if (this.#isLoading || this.#isExiting) return undefined;
    return this.#storage.metadata.save();
  }
}
