/**
 * The broker: puts its parts together, starts them, and ends them cleanly.
 *
 * Thread: main. Source: nsqd `NSQD`.
 */

import path from 'node:path';
import type { DataLock } from '../daemon/data-lock.ts';
import type { Logger } from '../daemon/log.ts';
import type { ServerContext } from '../daemon/server-context.ts';
import type { Clock } from '../shared/clock.ts';
import { AuthServers } from './auth/auth-servers.ts';
import { Frontends } from './frontends.ts';
import { Bounds } from './limits/bounds.ts';
import type { LocalClients } from './local/local-clients.ts';
import { NodeView } from './node-view.ts';
import type { Options } from './options/options.ts';
import { Peers } from './peers/peers.ts';
import { Policies } from './policies/policies.ts';
import type { Policy } from './policies/policy.ts';
import { PolicyStore } from './policies/policy-store.ts';
import type { PumpHandle } from './pumps/pump-handle.ts';
import { endThreads } from './pumps/thread-end.ts';
import type { Threads } from './pumps/threads.ts';
import { Turn } from './pumps/turn.ts';
import { crashOf } from './pumps/worker-pools.ts';
import { type ConfigurationSource, Reload, type ReloadSetup } from './reload.ts';
import { SecurityFiles } from './security-files.ts';
import type { CountedClients } from './stats/counted.ts';
import { NodeMeters } from './stats/node-meters.ts';
import { StatsCollector, TOTALS } from './stats/stats-collector.ts';
import type { BrokerStorage } from './storage/broker-storage.ts';
import { directoryPlatform, type Platform } from './storage/platform.ts';
import { identityLines, resourceLines } from './storage/start-report.ts';
import { BrokerOperations } from './topics/broker-operations.ts';
import { BrokerCore, type CoreEvent } from './topics/core.ts';
import { Drain } from './topics/drain.ts';
import { leaveChannel } from './topics/subscribing.ts';
import type { ChannelHandle, ChannelMember } from './topics/topic-map.ts';

/** What exists before the broker. */
type Base = Pick<ReloadSetup, 'configured' | 'source'> & {
  readonly platform: Platform;
  readonly lock: DataLock;
  readonly security: SecurityFiles;
};

/** How long the start waits for the store of replicated topics. Units: ms. */
const STORE_PATIENCE_MS = 5000;

export class Nsqd {
  /** Resolves with the reason when the broker cannot continue. */
  readonly failed: Promise<Error>;
  /** Empties the broker before it ends. */
  readonly drain: Drain;

  readonly #options: Options;
  readonly #logger: Logger;
  readonly #lock: DataLock;
  readonly #bounds: Bounds;
  readonly #threads: Threads;
  readonly #policies: PolicyStore;
  readonly #core: BrokerCore;
  readonly #peers: Peers;
  readonly #storage: BrokerStorage;
  readonly #stats: StatsCollector;
  readonly #operations: BrokerOperations;
  readonly #frontends: Frontends;
  readonly #meters: NodeMeters;
  readonly #view: NodeView;
  readonly #turn: Turn;
  readonly #clock: Clock;
  /** Resolves when the store of replicated topics has reported its topics. */
  readonly #storeConnected = Promise.withResolvers<void>();
  #isLoading = true;

  /** Starts a broker. Errors: rejects with the reason if it cannot run; then nothing remains of it. */
  static async start(
    options: Options,
    context: ServerContext,
    policies: readonly Policy[] = [],
    platform: Platform = directoryPlatform(),
    source: ConfigurationSource | null = null,
  ): Promise<Nsqd> {
    const { logger } = context;
    const dataPath = path.resolve(options.dataPath);
    const security = await SecurityFiles.load(options, context.clock);
    const lock = await platform.lock(dataPath, (text) => logger.warn(text));
    const base = { platform, lock, security, configured: options, source };
    const nsqd = new Nsqd({ ...options, dataPath }, context, policies, base);
    try {
      const crash = await Promise.race([nsqd.#open(), nsqd.failed]);
      if (crash !== undefined) throw crash;
    } catch (error) {
      await nsqd.#abandon();
      throw error;
    }
    return nsqd;
  }

  private constructor(
    options: Options,
    context: ServerContext,
    policies: readonly Policy[],
    { platform, lock, security, ...configuration }: Base,
  ) {
    const { logger, clock, guard } = context;
    this.#options = options;
    this.#logger = logger;
    this.#clock = clock;
    this.#lock = lock;
    for (const line of identityLines(options)) logger.info(line);
    this.#turn = new Turn(() => void this.#core.endTurn());
    this.#bounds = new Bounds(options, clock, logger, (shortage) => {
      this.#core.topics.diskShortage = shortage;
    });
    this.#meters = new NodeMeters(clock);
    this.#threads = platform.startThreads(options, this.#bounds.pumpBytes);
    this.failed = crashOf(this.#threads.ended);
    this.#peers = new Peers({
      options,
      context,
      tls: security.peerTls,
      topics: () => this.#core.topics.values(),
      stats: () => this.#stats.collect(TOTALS),
      memory: () => this.#meters.memory.read(),
    });
    const { lookupd } = this.#peers;
    const auth = AuthServers.of(options, this.#peers.http, guard);
    const inForce = new Policies(options, policies);
    this.#core = new BrokerCore({
      pumps: this.#threads.pumps,
      mainBell: this.#threads.mainBell,
      publishTimes: this.#meters.acknowledgements,
      clock,
      guard,
      logger,
      registry: lookupd,
      policies: inForce,
      maxMsgSize: options.maxMsgSize,
      onChange: () => this.#onTopicsChanged(),
      requestTurn: () => this.#turn.request(),
      target: (consumer) => this.#frontends.target(consumer),
      flushClients: () => {
        this.#frontends.flush();
        this.#meters.endTurn();
      },
      onEvent: (event) => this.#onEvent(event),
    });
    const { topics, publisher } = this.#core;
    if (options.natsUrl !== '') topics.storeAbsence = 'the store is not connected yet';
    this.#policies = new PolicyStore({
      dataPath: options.dataPath,
      textFiles: platform.textFiles,
      policies: inForce,
      clock,
      logger,
      apply: () => topics.applyPolicies(),
      share: options.natsUrl === '' ? null : (policy) => this.#core.sharePolicy(policy),
    });
    this.#storage = platform.makeStorage({
      ...options,
      textFiles: platform.textFiles,
      topics: () => topics.values(),
      callers: [...this.#threads.diskPulses, this.#bounds.disk, this.#policies],
      files: [this.#policies],
      clock,
      logger,
      onRefusal: (refusal) => {
        topics.writeRefusal = refusal;
      },
    });
    const clients: CountedClients = {
      get: (number) => this.#frontends.client(number),
      values: () => this.#frontends.clients(),
    };
    this.#stats = new StatsCollector(topics, clients, inForce, options, clock);
    this.drain = new Drain({
      topics,
      stats: (filter) => this.#stats.collect(filter),
      unregister: () => lookupd.stop(),
      timeoutMs: options.drainTimeoutMs,
      clock,
      logger,
    });
    const reload = new Reload({
      ...configuration,
      inForce: options,
      files: security.reloadable(guard),
      guard,
      logger,
      lookupd,
      applyPolicies: (next) => this.#policies.reload(next),
    });
    this.#operations = new BrokerOperations({
      options,
      startTimeMs: Number(clock.unixNs() / 1_000_000n),
      logger,
      topics,
      storage: this.#storage,
      publisher,
      stats: this.#stats,
      lookupd,
      limit: this.#bounds.limit,
      ...{ guard, clock, drain: this.drain, reload, client: clients.get },
    });
    this.#view = new NodeView({
      options,
      bounds: this.#bounds,
      gauges: this.#threads.gauges,
      meters: this.#meters,
      ...context,
      topics,
      stats: this.#stats,
      drain: this.drain,
      storage: this.#storage,
      operations: this.#operations,
      tcpCount: () => this.#frontends.tcpCount,
    });
    this.#frontends = new Frontends({
      options,
      ...context,
      core: this.#core,
      operations: this.#operations,
      policies: this.#policies,
      bounds: this.#bounds,
      tls: security.tls,
      access: security.access,
      auth,
      traffic: this.#meters.traffic,
      view: this.#view,
      memory: () => this.#meters.memory.read(),
      requestTurn: () => this.#turn.request(),
      onLeft: (channel, member) => this.#onLeft(channel, member),
    });
    security.tls?.forgetKey();
  }

  /** Ends the broker in nsqd's order. Resolves with what could not be written, or null. Errors: rejects with a bug. */
  async close(): Promise<string | null> {
    await this.#closeFrontends();
    await this.#peers.close();
    this.#logger.info('NSQ: closing topics');
    const failure = await this.#closeStorage(this.#core.pumps);
    // The caller ends threads that hang, so this must be logged first.
    if (failure !== null) return failure;
    // `failed` reports the crash of a thread.
    await this.#threads.ended.catch(() => new Promise(() => undefined));
    await this.release();
    this.#logger.info('NSQ: bye');
    return null;
  }

  /** Policies that can be set while the broker runs. */
  get policies(): PolicyStore {
    return this.#policies;
  }

  /** The operations for code in the same process. */
  get operations(): BrokerOperations {
    return this.#operations;
  }

  /** Consumers within the process. */
  get local(): LocalClients {
    return this.#frontends.local;
  }

  /**
   * Writes what is in memory to disk after a bug or the crash of a thread, as far as threads still run, also in the
   * middle of `close`. Resolves with what went wrong, or null.
   */
  async rescue(): Promise<string | null> {
    this.#view.end();
    this.drain.stop();
    const stops = [() => this.#frontends.close(), () => this.#peers.lookupd.stop()];
    // A step that has thrown before may throw again, and must not prevent the others.
    void Promise.allSettled(stops.map(async (stop) => await stop()));
    const pumps = this.#core.pumps.filter((_, index) => this.#threads.canClose(index));
    const closing = this.#closeStorage(pumps);
    // A bug may have ended it.
    void this.#core.run();
    const error = await closing;
    return pumps.length === this.#core.pumps.length ? error : 'a thread has crashed';
  }

  /** Ends the worker threads whatever they are doing. Resolves when they are gone. */
  terminate(): Promise<void> {
    return this.#threads.destroy();
  }

  /** Releases everything: threads, timers and the lock. `close` does this, unless it has failed. */
  async release(): Promise<void> {
    this.#core.stop();
    this.#meters.stop();
    this.#bounds.disk.stop();
    this.#storage.stop();
    this.#policies.stop();
    await endThreads(this.#threads, this.#clock);
    await this.#lock.release();
  }

  // Start

  async #open(): Promise<void> {
    void this.#core.run();
    this.#meters.start();
    await this.#storage.open();
    for (const text of await this.#threads.recovered) this.#logger.warn(text);
    await this.#bounds.disk.start();
    await this.#policies.load();
    await this.#load();
    if (this.#options.natsUrl !== '') await this.#waitForStore();
    await this.#storage.save();
    await this.#logStart();
    await this.#frontends.listen();
    this.#peers.start(this.#operations.tcpPort, this.#operations.httpPort);
    this.#view.start();
  }

  /** Clients should find the topics of the store, but an unavailable store must not keep them from the other topics. */
  async #waitForStore(): Promise<void> {
    const { promise, resolve } = this.#storeConnected;
    const timer = this.#clock.after(STORE_PATIENCE_MS, resolve);
    await promise;
    timer.cancel();
  }

  async #logStart(): Promise<void> {
    const stats = await this.#stats.collect(TOTALS);
    this.#logger.info(this.#storage.describe(stats));
    for (const line of resourceLines(this.#options)) this.#logger.info(line);
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

  async #closeFrontends(): Promise<void> {
    this.#view.end();
    this.drain.stop();
    await this.#frontends.close();
    this.#peers.lookupd.stop();
  }

  /** Undoes a failed start. Nothing was accepted, so nothing is written. */
  async #abandon(): Promise<void> {
    await this.#closeFrontends();
    await this.#peers.close();
    await this.release();
  }

  // Events

  #onLeft(channel: ChannelHandle, member: ChannelMember): void {
    if (this.#view.state !== 'ending')
      leaveChannel(this.#core.topics, channel, member, this.#logger);
  }

  #onEvent(event: CoreEvent): void {
    if (event.event === 'log') {
      this.#logger[event.level](event.text);
      return;
    }
    if (event.event === 'policy') {
      this.#policies.adopt(event);
      return;
    }
    if (event.event === 'store') {
      if (event.error === null) {
        this.#logger.info('STORE: connected');
        this.#storeConnected.resolve();
      } else this.#logger.warn(`STORE: ${event.error}`);
      return;
    }
    if (event.error === null) return;
    const isReplicated = this.#core.topics.getByNumber(event.topic)?.isReplicated === true;
    this.#logger.error(`${isReplicated ? 'store' : 'disk queue'} failed - ${event.error}`);
  }

  #onTopicsChanged(): Promise<void> | undefined {
    if (this.#isLoading || this.#view.state === 'ending') return undefined;
    return this.#storage.metadata.save();
  }
}
