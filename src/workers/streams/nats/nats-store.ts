/**
 * Replicated topics in NATS JetStream: the connection, and the requests over it.
 *
 * Thread: stream. The only folder that knows NATS.
 */

import { jetstreamManager } from '@nats-io/jetstream';
import {
  connect,
  createInbox,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import type { Clock, Timer } from '../../../shared/clock.ts';
import type { SharedPolicy, StartedChannel, StreamName } from '../../../shared/control.ts';
import { errorText } from '../../../shared/error-text.ts';
import { isEphemeral } from '../../../shared/names.ts';
import type { StreamSettings } from '../../../shared/thread-tasks.ts';
import { LOG_WARNING } from '../stream-link.ts';
import type {
  Pull,
  PullListener,
  StoreListener,
  StreamFigures,
  StreamStore,
} from '../stream-store.ts';
import { natsAccess } from './nats-access.ts';
import { NatsCatalog } from './nats-catalog.ts';
import { followElections, SETTLE_MS } from './nats-elections.ts';
import { NatsNames } from './nats-names.ts';
import { NatsPublishes } from './nats-publishes.ts';
import { NatsPull } from './nats-pull.ts';
import { withRetry } from './nats-retry.ts';
import { ADMIN_MS, NatsTopics } from './nats-topics.ts';
import { versionWarning } from './nats-version.ts';

const NS_PER_MS = 1e6;
/** Delay before the next attempt to connect, and how long one may take. Units: ms. */
const RECONNECT_MS = 250;
const CONNECT_MS = 2000;
/** The timeout of a request for figures, which is repeated soon. */
const FIGURES_MS = 1500;
/** A connection that does not answer for about twice this time is closed. Units: ms. */
const PING_MS = 1000;
const EXPIRE_MS = 250;
/** How long a server may take to confirm that it has received everything. */
const CLOSE_MS = 2000;

export class NatsStore implements StreamStore {
  absence: string | null = 'the store is not connected yet';

  readonly #settings: StreamSettings;
  readonly #clock: Clock;
  readonly #names: NatsNames;
  #listener: StoreListener | null = null;
  #nc: NatsConnection | null = null;
  #topics: NatsTopics | null = null;
  #publishes: NatsPublishes | null = null;
  #catalog: NatsCatalog | null = null;
  readonly #pulls = new Set<NatsPull>();
  /** The last change of each topic: changes of one topic are made one after the other. */
  readonly #work = new Map<string, Promise<unknown>>();
  #inbox = '';
  #pullCount = 0;
  #timer: Timer | null = null;
  #isClosed = false;
  /** How often the connection was lost. */
  #lossCount = 0;
  /** Whether the changes of other brokers while the connection was lost were all reported. */
  #isCaughtUp = false;
  /** Versions of servers for which a warning was logged: each is named once. */
  readonly #warned = new Set<string>();

  constructor(settings: StreamSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#names = new NatsNames(settings.prefix);
  }

  start(listener: StoreListener): void {
    this.#listener = listener;
    void this.#connect();
    this.#expireLater();
  }

  open(name: StreamName): Promise<void> {
    return this.#inTurn(name.topic, () => withRetry(() => this.#caughtUp().open(name)));
  }

  startChannel(topic: string, channel: StartedChannel): Promise<void> {
    return this.#inTurn(topic, () => this.#caughtUp().startChannel(topic, channel));
  }

  empty(name: StreamName): Promise<void> {
    return this.#inTurn(name.topic, () => withRetry(() => this.#there(this.#topics).empty(name)));
  }

  delete(name: StreamName): Promise<void> {
    return this.#inTurn(name.topic, () => withRetry(() => this.#there(this.#topics).delete(name)));
  }

  async pause({ topic, channel }: StreamName, isPaused: boolean): Promise<void> {
    if (isEphemeral(channel)) return;
    await this.#inTurn(topic, () => this.#there(this.#catalog).setPaused(topic, channel, isPaused));
  }

  async figures(name: StreamName): Promise<StreamFigures | null> {
    return this.#caughtUp().figures(name);
  }

  mend(name: StreamName, attempt: number, handed: number): Promise<string> {
    return this.#inTurn(name.topic, () => this.#caughtUp().mend(name, attempt, handed));
  }

  async sharePolicy(policy: SharedPolicy): Promise<void> {
    if (this.absence !== null) throw new Error(this.absence);
    await this.#there(this.#catalog).sharePolicy(policy);
  }

  publish(
    topic: string,
    body: Uint8Array,
    dueMs: number,
    done: (error: string | null) => void,
  ): void {
    if (this.absence !== null || this.#publishes === null) {
      done(this.absence);
      return;
    }
    const bytesMax = this.#nc?.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (body.length > bytesMax) {
      done(`the store takes messages of up to ${bytesMax} bytes`);
      return;
    }
    this.#publishes.publish(this.#names.subject(topic), body, dueMs, done);
  }

  pull({ topic, channel }: StreamName, count: number, bytes: number, listener: PullListener): Pull {
    const pull = new NatsPull({
      nc: this.#there(this.#nc),
      clock: this.#clock,
      stream: this.#names.stream(topic),
      consumer: this.#names.consumer(channel),
      inbox: `${this.#inbox}.pull.${++this.#pullCount}`,
      ...{ count, bytes },
      listener: {
        onMessage: (message) => {
          listener.onMessage(message);
          this.#listener?.onNews();
        },
        onEnd: () => {
          this.#pulls.delete(pull);
          listener.onEnd();
        },
      },
    });
    this.#pulls.add(pull);
    return pull;
  }

  finish(receipt: string): void {
    this.#nc?.publish(receipt, '+ACK');
  }

  giveBack(receipt: string, delayMs: number): void {
    const delay = Math.ceil(delayMs * NS_PER_MS);
    this.#nc?.publish(receipt, delay > 0 ? `-NAK {"delay": ${delay}}` : '-NAK');
  }

  keep(receipt: string): void {
    this.#nc?.publish(receipt, '+WPI');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#catalog?.stop();
    for (const pull of [...this.#pulls]) pull.end();
    const nc = this.#nc;
    if (nc === null) return;
    // A server that is unavailable, or is just failing, takes no part in it.
    const late = new Promise<void>((resolve) => this.#clock.after(CLOSE_MS, resolve));
    const nothing = (): void => undefined;
    if (this.absence === null) await Promise.race([nc.drain().catch(nothing), late]);
    await Promise.race([nc.close(), late]);
  }

  // Connection

  /** Retries until it is connected. */
  async #connect(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const nc = await connect(await this.#connection());
      await this.#onConnected(nc);
    } catch (error) {
      this.#setAbsence(`failed to connect to the store - ${errorText(error)}`);
      // It may be connected to a server without JetStream.
      const nc = this.#nc;
      this.#nc = null;
      await nc?.close();
      this.#clock.after(RECONNECT_MS, () => void this.#connect());
    }
  }

  async #connection(): Promise<NodeConnectionOptions> {
    return {
      ...(await natsAccess(this.#settings)),
      name: 'ringmq',
      timeout: CONNECT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      pingInterval: PING_MS,
      maxPingOut: 1,
    };
  }

  async #onConnected(nc: NatsConnection): Promise<void> {
    this.#nc = nc;
    if (this.#isClosed) {
      await nc.close();
      return;
    }
    this.#lookAtVersion(nc);
    this.#inbox = createInbox();
    this.#publishes = new NatsPublishes(nc, `${this.#inbox}.pub`, () => this.#clock.monotonicMs());
    this.#watchConnection(nc).catch((error: unknown) => this.#onLost(errorText(error)));
    const listener = this.#there(this.#listener);
    this.#catalog?.stop();
    this.#catalog = new NatsCatalog(this.#names, listener, this.#clock);
    const manager = await jetstreamManager(nc, { timeout: ADMIN_MS });
    const figures = await jetstreamManager(nc, { timeout: FIGURES_MS });
    this.#topics = new NatsTopics(nc, manager, figures, this.#names, this.#catalog);
    followElections(nc, this.#clock, {
      onStreamLed: (stream) => this.#onStreamLed(stream),
      onConsumerLed: (stream, consumer) => this.#onConsumerLed(stream, consumer),
    });
    await this.#catalog.open(nc);
    this.#isCaughtUp = true;
    this.#setAbsence(null);
  }

  #lookAtVersion({ info }: NatsConnection): void {
    const version = info?.version ?? '';
    const warning = versionWarning(version);
    if (warning === null || this.#warned.has(version)) return;
    this.#warned.add(version);
    this.#listener?.log(LOG_WARNING, `STORE: ${warning}`);
  }

  async #watchConnection(nc: NatsConnection): Promise<void> {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') this.#onLost(`the connection to ${status.server} is lost`);
      else if (status.type === 'reconnect') {
        this.#lookAtVersion(nc);
        void this.#onReconnected();
      }
    }
    if (this.#nc === nc && !this.#isClosed) {
      this.#nc = null;
      this.#onLost('the connection to the store was closed');
      await this.#connect();
    }
  }

  /** Continues at once with what is open, and catches up with the changes of other brokers. */
  async #onReconnected(): Promise<void> {
    // A first connection that has not read the catalog yet starts over.
    if (this.#catalog?.isOpen !== true) return;
    const lossCount = this.#lossCount;
    this.#setAbsence(null);
    while (lossCount === this.#lossCount && !this.#isCaughtUp && !this.#isClosed) {
      try {
        await this.#catalog.catchUp();
        if (lossCount === this.#lossCount) this.#isCaughtUp = true;
      } catch (error) {
        const reason = `STORE: failed to read the catalog - ${errorText(error)}`;
        this.#listener?.log(LOG_WARNING, reason);
        await new Promise<void>((resolve) => this.#clock.after(RECONNECT_MS, resolve));
      }
    }
  }

  /** The old leader will not answer pending requests. */
  #onStreamLed(stream: string): void {
    const reason = 'the store has lost the leader of the topic; the message may have been kept';
    this.#publishes?.failOlder(this.#names.subjectOf(stream), SETTLE_MS, reason);
  }

  #onConsumerLed(stream: string, consumer: string): void {
    for (const pull of [...this.#pulls]) {
      if (pull.stream === stream && pull.consumer === consumer) pull.cancel();
    }
  }

  #onLost(reason: string): void {
    if (this.#isClosed) return;
    this.#lossCount++;
    this.#isCaughtUp = false;
    this.#setAbsence(reason);
    this.#publishes?.fail(`${reason}; the message may have been kept`);
    for (const pull of [...this.#pulls]) pull.end();
  }

  #setAbsence(reason: string | null): void {
    if (this.absence === reason) return;
    this.absence = reason;
    this.#listener?.onAbsence(reason);
  }

  #expireLater(): void {
    this.#timer = this.#clock.after(EXPIRE_MS, () => {
      this.#publishes?.expire();
      if (!this.#isClosed) this.#expireLater();
    });
  }

  /** Errors: throws while the deletions by other brokers are not known, because nothing may be created then. */
  #caughtUp(): NatsTopics {
    if (!this.#isCaughtUp) throw new Error(this.absence ?? 'the catalog of the store is not read');
    return this.#there(this.#topics);
  }

  /** Errors: throws if there has been no connection yet. */
  #there<T>(part: T | null): T {
    if (part === null) throw new Error(this.absence ?? 'the store is not connected yet');
    return part;
  }

  #inTurn<T>(topic: string, work: () => Promise<T>): Promise<T> {
    const before = this.#work.get(topic) ?? Promise.resolve();
    const result = before.then(work, work);
    this.#work.set(topic, result);
    const forget = (): void => {
      if (this.#work.get(topic) === result) this.#work.delete(topic);
    };
    result.then(forget, forget);
    return result;
  }
}
