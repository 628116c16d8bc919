/**
 * The store of replicated topics as one broker sees it: a connection to the fake server, which the test may cut.
 *
 * Thread: any.
 */

import type { SharedPolicy, StartedChannel, StreamName } from '../../src/shared/control.ts';
import type {
  Pull,
  PullListener,
  StoreListener,
  StreamFigures,
  StreamStore,
} from '../../src/workers/streams/stream-store.ts';
import type { FakeStreamServer } from './fake-stream-server.ts';

export class FakeStreamStore implements StreamStore {
  absence: string | null = null;
  listener: StoreListener | null = null;
  /** Whether requests to the store are lost now; for a publish the answer is lost too, which is then an error. */
  loses = (): boolean => false;
  /** How often messages were reported as still being handled. */
  keptCount = 0;

  readonly #server: FakeStreamServer;
  readonly #missed: [key: string, state: 'running' | 'paused' | 'gone'][] = [];

  constructor(server: FakeStreamServer) {
    this.#server = server;
  }

  start(listener: StoreListener): void {
    this.listener = listener;
    this.#server.showTo(listener);
    listener.onAbsence(null);
  }

  /** The connection is lost, or restored (null): then it reports what other brokers have done meanwhile. */
  setAbsence(reason: string | null): void {
    this.absence = reason;
    this.listener?.onAbsence(reason);
    if (reason !== null) return;
    for (const [key, state] of this.#missed.splice(0)) this.onEntry(key, state);
  }

  /** Another broker has created, changed or deleted something. */
  onEntry(key: string, state: 'running' | 'paused' | 'gone'): void {
    if (this.absence !== null) this.#missed.push([key, state]);
    else if (this.listener !== null) tell(this.listener, key, state);
  }

  empty = (name: StreamName): Promise<void> => this.#do(() => this.#server.empty(name));
  delete = (name: StreamName): Promise<void> => this.#do(() => this.#server.delete(name, this));

  async open(name: StreamName): Promise<void> {
    await this.#server.opening;
    const { openError } = this.#server;
    await this.#do(() => {
      if (openError !== null) throw new Error(openError);
      this.#server.open(name, this);
    });
  }

  startChannel(topic: string, channel: StartedChannel): Promise<void> {
    return this.#do(() => this.#server.startChannel(topic, channel, this));
  }

  mend(_name: StreamName, attempt: number): Promise<string> {
    return this.#do(() => this.#server.mend(attempt));
  }

  sharePolicy(policy: SharedPolicy): Promise<void> {
    return this.#do(() => this.#server.sharePolicy(policy));
  }

  pause(name: StreamName, isPaused: boolean): Promise<void> {
    return this.#do(() => this.#server.pause(name, isPaused, this));
  }

  figures(name: StreamName): Promise<StreamFigures | null> {
    return this.#do(() => this.#server.figures(name));
  }

  publish(
    topic: string,
    body: Uint8Array,
    dueMs: number,
    done: (error: string | null) => void,
  ): void {
    const isAnswerLost = this.loses();
    if (this.loses()) done('the store has not answered');
    else if (isAnswerLost) {
      this.#server.publish(topic, body, dueMs, () => done('the answer is lost'));
    } else this.#server.publish(topic, body, dueMs, done);
  }

  pull(name: StreamName, count: number, _bytes: number, listener: PullListener): Pull {
    return this.#server.pull(name, count, listener);
  }

  finish(receipt: string): void {
    if (!this.#isLost()) this.#server.finish(receipt);
  }

  giveBack(receipt: string, delayMs: number): void {
    if (!this.#isLost()) this.#server.giveBack(receipt, delayMs);
  }

  keep(receipt: string): void {
    this.keptCount++;
    if (!this.#isLost()) this.#server.keep(receipt);
  }

  #isLost(): boolean {
    return this.absence !== null || this.loses();
  }

  async close(): Promise<void> {
    this.listener = null;
  }

  async #do<T>(work: () => T): Promise<T> {
    if (this.absence !== null) throw new Error(this.absence);
    return work();
  }
}

/** Reports a topic or channel. Shape: the key is a topic, or a topic and a channel separated by a colon. */
export function tell(
  listener: StoreListener,
  key: string,
  state: 'running' | 'paused' | 'gone',
): void {
  const [topic, channel = ''] = key.split(':');
  listener.onEntry(topic, channel, state);
  listener.onNews();
}
