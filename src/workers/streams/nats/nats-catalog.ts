/**
 * The topics and channels of the store, which of them are paused, and the policies that brokers have set: a bucket of
 * keys that all brokers watch.
 *
 * The watch may be lost with a server. So the last revision of the bucket is requested periodically, and the watch is
 * restarted from its last position if it lags behind. Each restart creates a consumer at the store, which keeps it for
 * minutes.
 *
 * Thread: stream.
 */

import { JetStreamApiCodes, JetStreamApiError, jetstream } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock, Timer } from '../../../shared/clock.ts';
import type { SharedPolicy } from '../../../shared/control.ts';
import { errorText } from '../../../shared/error-text.ts';
import { LOG_WARNING } from '../stream-link.ts';
import type { StoreListener } from '../stream-store.ts';
import { type NatsNames, readKey } from './nats-names.ts';
import { isClusterTooSmall, isThereOtherwise, REPLICAS_MAX } from './nats-replicas.ts';

/** How often it is checked whether the watch has missed something. Units: ms. */
const CHECK_MS = 5000;
/** How long an answer may take. Units: ms. */
const ANSWER_MS = 1000;

export class NatsCatalog {
  readonly #names: NatsNames;
  readonly #listener: Pick<StoreListener, 'onEntry' | 'onPolicy' | 'log'>;
  readonly #clock: Pick<Clock, 'after'>;
  #kvm: Kvm | null = null;
  #kv: KV | null = null;
  /** The last revision that was seen; the next watch starts after it. */
  #revision = 0;
  /** Deletions by this broker, which the watch will show and the listener already knows. */
  readonly #deleted = new Map<string, number>();
  #watch: { stop(): void } | null = null;
  #timer: Timer | null = null;
  #isStopped = false;
  /** Checks whether everything that existed at the start was reported. */
  #onCaughtUp: () => void = () => undefined;

  constructor(
    names: NatsNames,
    listener: Pick<StoreListener, 'onEntry' | 'onPolicy' | 'log'>,
    clock: Pick<Clock, 'after'>,
  ) {
    this.#names = names;
    this.#listener = listener;
    this.#clock = clock;
  }

  /**
   * Opens the bucket over this connection, and watches it. Resolves when the existing keys were reported to the
   * listener. Errors: rejects if the store refuses.
   */
  async open(nc: NatsConnection): Promise<void> {
    this.#kvm = new Kvm(jetstream(nc, { timeout: ANSWER_MS }));
    await this.#openBucket(this.#kvm);
    await this.catchUp();
  }

  /** Creates the bucket unless it exists. */
  async #openBucket(kvm: Kvm): Promise<void> {
    const { bucket } = this.#names;
    try {
      this.#kv = await kvm.create(bucket, { history: 1, replicas: REPLICAS_MAX });
    } catch (error) {
      if (isThereOtherwise(error)) this.#kv = await kvm.open(bucket);
      else if (!isClusterTooSmall(error)) throw error;
      else this.#kv = await kvm.create(bucket, { history: 1, replicas: 1 });
    }
  }

  /**
   * Restarts the watch. Resolves when the existing keys were reported to the listener, if the connection lasts until
   * then. Errors: as `open`.
   */
  async catchUp(): Promise<void> {
    const last = await this.#lastRevision();
    // A store that has lost the bucket begins again.
    if (last < this.#revision) this.#revision = 0;
    const caughtUp = new Promise<void>((resolve) => {
      this.#onCaughtUp = () => {
        if (this.#revision >= last) resolve();
      };
    });
    await this.#watchOn();
    this.#onCaughtUp();
    await caughtUp;
  }

  /** The last revision of the bucket, which is created again if the store has lost it. */
  async #lastRevision(): Promise<number> {
    try {
      return (await this.#bucket().status()).streamInfo.state.last_seq;
    } catch (error) {
      if (!isStreamMissing(error) || this.#kvm === null) throw error;
      await this.#openBucket(this.#kvm);
      return (await this.#bucket().status()).streamInfo.state.last_seq;
    }
  }

  get isOpen(): boolean {
    return this.#kv !== null;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#watch?.stop();
  }

  /** Adds a topic or channel, unless it is there already. */
  async ensure(topic: string, channel: string): Promise<void> {
    const key = this.#names.key(topic, channel);
    const entry = await this.#bucket().get(key);
    if (entry !== null && entry.operation === 'PUT') return;
    await this.#bucket().put(key, entryText(false));
  }

  async setPaused(topic: string, channel: string, isPaused: boolean): Promise<void> {
    await this.#bucket().put(this.#names.key(topic, channel), entryText(isPaused));
  }

  /** Removes a topic with its channels, or a channel. */
  async remove(topic: string, channel: string): Promise<void> {
    if (channel === '') {
      const keys: string[] = [];
      for await (const key of await this.#bucket().keys(this.#names.channelKeys(topic))) {
        keys.push(key);
      }
      for (const key of keys) await this.#remove(key);
    }
    await this.#remove(this.#names.key(topic, channel));
  }

  async sharePolicy({ name, text }: SharedPolicy): Promise<void> {
    const key = this.#names.policyKey(name);
    if (text === null) await this.#bucket().delete(key);
    else await this.#bucket().put(key, text);
  }

  async #remove(key: string): Promise<void> {
    this.#deleted.set(key, (this.#deleted.get(key) ?? 0) + 1);
    await this.#bucket().delete(key);
  }

  #bucket(): KV {
    if (this.#kv === null) throw new Error('the catalog of the store is not open');
    return this.#kv;
  }

  async #watchOn(): Promise<void> {
    this.#watch?.stop();
    const from = this.#revision === 0 ? {} : { resumeFromRevision: this.#revision + 1 };
    const watch = await this.#bucket().watch(from);
    this.#watch = watch;
    this.#read(watch).catch((error: unknown) => this.#onLost(error));
    this.#later(() => this.#check());
  }

  async #check(): Promise<void> {
    const last = (await this.#bucket().status()).streamInfo.state.last_seq;
    if (last > this.#revision) await this.#watchOn();
    else this.#later(() => this.#check());
  }

  /** Takes the place of what was to be done later. */
  #later(work: () => Promise<void>): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(CHECK_MS, () => {
      if (!this.#isStopped) work().catch((error: unknown) => this.#onLost(error));
    });
  }

  /** The next watch shows what this one misses. */
  #onLost(error: unknown): void {
    if (this.#isStopped) return;
    this.#listener.log(LOG_WARNING, `STORE: failed to watch the catalog - ${errorText(error)}`);
    this.#later(() => this.#watchOn());
  }

  async #read(watch: AsyncIterable<CatalogEntry>): Promise<void> {
    for await (const entry of watch) {
      // A watch that was replaced may still deliver something.
      if (entry.revision <= this.#revision) continue;
      this.#revision = entry.revision;
      this.#onEntry(entry);
      this.#onCaughtUp();
    }
  }

  #onEntry(entry: CatalogEntry): void {
    const { key, operation } = entry;
    const name = readKey(key);
    if (name === undefined) return;
    if ('policy' in name) {
      const text = operation === 'PUT' ? entry.string() : null;
      this.#listener.onPolicy({ name: name.policy, text });
      return;
    }
    if (operation === 'PUT') {
      this.#listener.onEntry(
        name.topic,
        name.channel,
        isPausedIn(entry.string()) ? 'paused' : 'running',
      );
      return;
    }
    const own = this.#deleted.get(key) ?? 0;
    if (own > 1) this.#deleted.set(key, own - 1);
    else this.#deleted.delete(key);
    if (own === 0) this.#listener.onEntry(name.topic, name.channel, 'gone');
  }
}

type CatalogEntry = {
  readonly key: string;
  readonly operation: 'PUT' | 'DEL' | 'PURGE';
  readonly revision: number;
  string(): string;
};

/** Shape: JSON, so that fields can be added later. */
function entryText(paused: boolean): string {
  return JSON.stringify({ paused });
}

function isStreamMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

/** An unreadable value counts as not paused. */
function isPausedIn(text: string): boolean {
  return /"paused":\s*true/.test(text);
}
