/**
 * A server of replicated topics in memory, which several brokers may share, on a manual clock. It behaves like
 * JetStream where the stream loop relies on it: a message is with one broker at a time, returns when it is given back
 * or not reported for some time, and redeliveries precede new messages.
 *
 * Thread: any.
 */

import type { SharedPolicy, StartedChannel, StreamName } from '../../src/shared/control.ts';
import type {
  Pull,
  PullListener,
  StoredMessage,
  StoreListener,
  StreamFigures,
} from '../../src/workers/streams/stream-store.ts';
import { FakeStreamStore, tell } from './fake-stream-store.ts';
import type { ManualClock } from './manual-clock.ts';

/** How long a pull waits. */
const PULL_MS = 3000;
/** A message that was not reported for this long returns. */
export const ACK_WAIT_MS = 15_000;

type Stored = { body: Uint8Array; sequence: number; dueMs: number; timestampNs: bigint };
type Taken = { message: Stored; deliveries: number; receipt: string; backMs: number };
type WaitingPull = { left: number; listener: PullListener; isOver: boolean };
type Channel = {
  /** The next message that nobody has received, the taken ones by sequence, and those that have returned. */
  next: number;
  taken: Map<number, Taken>;
  returned: Taken[];
  pulls: WaitingPull[];
};
type Topic = {
  isRetained: boolean;
  messages: Stored[];
  lastSequence: number;
  holderNext: number | null;
  channels: Map<string, Channel>;
};

export class FakeStreamServer {
  readonly clock: ManualClock;
  /** Unanswered publishes, if answers are held back. */
  readonly unanswered: ((error: string | null) => void)[] = [];
  holdsAnswers = false;
  /** Why it provides no figures, or null. */
  figuresError: string | null = null;
  /** Holds back the opening of topics and channels until it resolves; and why opening is refused, or null. */
  opening: Promise<void> = Promise.resolve();
  openError: string | null = null;
  /** Whether no channel hands out new messages, and which attempt to repair them succeeds. */
  areStalled = false;
  mendingAttempt = 0;
  /** How often topics and channels were opened. */
  openCount = 0;
  /** Why nothing is emptied, deleted or paused, or null. */
  changeError: string | null = null;
  /** Why every publish is refused, or null. */
  refusal: string | null = null;
  readonly topics = new Map<string, Topic>();

  readonly #entries = new Map<string, 'running' | 'paused'>();
  readonly #policies = new Map<string, SharedPolicy>();
  readonly #stores: FakeStreamStore[] = [];
  readonly #byReceipt = new Map<string, { channel: Channel; taken: Taken }>();
  #receiptCount = 0;

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  /** The store as another broker sees it. */
  connect(): FakeStreamStore {
    const store = new FakeStreamStore(this);
    this.#stores.push(store);
    return store;
  }

  /** All unfinished messages of a channel. */
  unfinishedCount(topic: string, channel: string): number {
    const { next, taken, returned } = this.#channel(topic, channel);
    return this.#topic(topic).lastSequence + 1 - next + taken.size + returned.length;
  }

  sharePolicy(policy: SharedPolicy): void {
    this.#policies.set(policy.name, policy);
    for (const { listener } of this.#stores) listener?.onPolicy(policy);
  }

  showTo(listener: StoreListener): void {
    for (const policy of this.#policies.values()) listener.onPolicy(policy);
    for (const [key, state] of this.#entries) tell(listener, key, state);
  }

  /** Gives available messages to pulls. Call it when the clock has moved. */
  look(): void {
    const nowMs = this.clock.monotonicMs();
    for (const topic of this.topics.values()) {
      for (const channel of topic.channels.values()) {
        for (const taken of channel.taken.values()) {
          if (taken.backMs > nowMs) continue;
          channel.taken.delete(taken.message.sequence);
          channel.returned.push(taken);
        }
        this.#feed(topic, channel);
      }
    }
  }

  publish(
    name: string,
    body: Uint8Array,
    dueMs: number,
    done: (error: string | null) => void,
  ): void {
    const topic = this.topics.get(name);
    const answer = (): void => {
      if (this.holdsAnswers) this.unanswered.push(done);
      else queueMicrotask(() => done(this.refusal));
    };
    if (topic !== undefined && this.refusal === null) {
      const sequence = ++topic.lastSequence;
      topic.messages.push({
        body: Uint8Array.from(body),
        sequence,
        dueMs,
        timestampNs: this.clock.unixNs(),
      });
      this.look();
    }
    answer();
  }

  open(
    { topic: name, channel: channelName, replication }: StreamName,
    from: FakeStreamStore,
  ): void {
    this.openCount++;
    let topic = this.topics.get(name);
    if (topic === undefined) {
      const { ageMs, bytes } = replication.retention;
      const isRetained = ageMs > 0 || bytes > 0;
      topic = { isRetained, messages: [], lastSequence: 0, holderNext: 1, channels: new Map() };
      this.topics.set(name, topic);
      this.#announce(from, name, 'running');
    }
    if (channelName === '' || topic.channels.has(channelName)) return;
    const next = topic.holderNext ?? topic.lastSequence + 1;
    topic.holderNext = null;
    topic.channels.set(channelName, { next, taken: new Map(), returned: [], pulls: [] });
    this.#announce(from, `${name}:${channelName}`, 'running');
  }

  startChannel(name: string, { channel, start }: StartedChannel, from: FakeStreamStore): void {
    const topic = this.#topic(name);
    if (topic.channels.has(channel)) throw new Error('the channel exists');
    if (!topic.isRetained) throw new Error('the topic does not keep finished messages');
    const since = 'unixMs' in start ? BigInt(start.unixMs) * 1_000_000n : 0n;
    const found = topic.messages.findIndex(({ timestampNs }) => timestampNs >= since);
    const byTime = found === -1 ? topic.lastSequence + 1 : found + 1;
    const next = 'sequence' in start ? start.sequence : byTime;
    topic.holderNext = null;
    topic.channels.set(channel, { next, taken: new Map(), returned: [], pulls: [] });
    this.#announce(from, `${name}:${channel}`, 'running');
  }

  empty({ topic: name, channel }: StreamName): void {
    this.#expectChange();
    const topic = this.#topic(name);
    if (channel === '') {
      if (topic.holderNext !== null) topic.holderNext = topic.lastSequence + 1;
      return;
    }
    const emptied = this.#channel(name, channel);
    emptied.next = topic.lastSequence + 1;
    emptied.taken.clear();
    emptied.returned = [];
  }

  delete({ topic, channel }: StreamName, from: FakeStreamStore): void {
    this.#expectChange();
    if (channel === '') this.topics.delete(topic);
    else this.topics.get(topic)?.channels.delete(channel);
    this.#announce(from, channel === '' ? topic : `${topic}:${channel}`, 'gone');
  }

  pause({ topic, channel }: StreamName, isPaused: boolean, from: FakeStreamStore): void {
    this.#expectChange();
    const key = channel === '' ? topic : `${topic}:${channel}`;
    this.#announce(from, key, isPaused ? 'paused' : 'running');
  }

  figures({ topic: name, channel }: StreamName): StreamFigures | null {
    if (this.figuresError !== null) throw new Error(this.figuresError);
    const topic = this.topics.get(name);
    if (topic === undefined || (channel !== '' && !topic.channels.has(channel))) return null;
    if (channel === '') {
      const unread = topic.holderNext === null ? 0 : topic.lastSequence + 1 - topic.holderNext;
      const readTo = topic.lastSequence;
      return { unread, taken: 0, messages: readTo, readTo, handed: 0, isFull: false };
    }
    const { next, taken, returned } = this.#channel(name, channel);
    return {
      unread: topic.lastSequence + 1 - next,
      taken: taken.size + returned.length,
      messages: 0,
      readTo: next - 1,
      handed: next - 1,
      isFull: false,
    };
  }

  mend(attempt: number): string {
    if (attempt === this.mendingAttempt) this.areStalled = false;
    queueMicrotask(() => this.look());
    return `attempt ${attempt}`;
  }

  pull({ topic, channel }: StreamName, count: number, listener: PullListener): Pull {
    const pull: WaitingPull = { left: count, listener, isOver: false };
    const end = (): void => {
      if (pull.isOver) return;
      pull.isOver = true;
      listener.onEnd();
    };
    this.#channel(topic, channel).pulls.push(pull);
    queueMicrotask(() => this.look());
    this.clock.after(PULL_MS, end);
    return { cancel: () => queueMicrotask(end) };
  }

  finish(receipt: string): void {
    this.#take(receipt);
  }

  giveBack(receipt: string, delayMs: number): void {
    const found = this.#byReceipt.get(receipt);
    if (found === undefined) return;
    found.taken.backMs = this.clock.monotonicMs() + delayMs;
    if (delayMs > 0) this.clock.after(delayMs, () => this.look());
    else this.look();
  }

  keep(receipt: string): void {
    const found = this.#byReceipt.get(receipt);
    if (found === undefined) return;
    found.taken.backMs = this.clock.monotonicMs() + ACK_WAIT_MS;
  }

  #take(receipt: string): void {
    const found = this.#byReceipt.get(receipt);
    if (found === undefined) return;
    this.#byReceipt.delete(receipt);
    const { channel, taken } = found;
    if (channel.taken.get(taken.message.sequence)?.receipt === receipt) {
      channel.taken.delete(taken.message.sequence);
    }
  }

  #feed(topic: Topic, channel: Channel): void {
    channel.pulls = channel.pulls.filter(({ isOver }) => !isOver);
    while (channel.pulls.length > 0) {
      const [pull] = channel.pulls;
      const taken = this.#nextOf(topic, channel);
      if (taken === undefined) return;
      pull.left--;
      if (pull.left === 0) channel.pulls.shift();
      pull.listener.onMessage(this.#handed(topic, channel, taken));
      if (pull.left > 0) continue;
      pull.isOver = true;
      pull.listener.onEnd();
    }
  }

  #nextOf(topic: Topic, channel: Channel): { message: Stored; deliveries: number } | undefined {
    const returned = channel.returned.shift();
    if (returned !== undefined) return returned;
    const message = topic.messages[channel.next - 1];
    if (message === undefined || this.areStalled) return undefined;
    channel.next++;
    return { message, deliveries: 0 };
  }

  #handed(
    topic: Topic,
    channel: Channel,
    before: { message: Stored; deliveries: number },
  ): StoredMessage {
    const { message } = before;
    const deliveries = before.deliveries + 1;
    const receipt = String(++this.#receiptCount);
    const backMs = this.clock.monotonicMs() + ACK_WAIT_MS;
    const taken = { message, deliveries, receipt, backMs };
    channel.taken.set(message.sequence, taken);
    this.#byReceipt.set(receipt, { channel, taken });
    this.clock.after(ACK_WAIT_MS, () => this.look());
    const isSecond = message.dueMs > 0 && deliveries > 1;
    return {
      ...message,
      deliveries: isSecond ? deliveries - 1 : deliveries,
      receipt,
      unread: topic.lastSequence + 1 - channel.next,
    };
  }

  /** Other brokers learn of it. */
  #announce(from: FakeStreamStore, key: string, state: 'running' | 'paused' | 'gone'): void {
    if (state === 'gone') this.#entries.delete(key);
    else this.#entries.set(key, state);
    for (const store of this.#stores) if (store !== from) store.onEntry(key, state);
  }

  #expectChange(): void {
    if (this.changeError !== null) throw new Error(this.changeError);
  }

  #topic(name: string): Topic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw new Error(`the fake store has no topic ${name}`);
    return topic;
  }

  #channel(topic: string, name: string): Channel {
    const channel = this.#topic(topic).channels.get(name);
    if (channel === undefined) throw new Error(`the fake store has no channel ${topic}:${name}`);
    return channel;
  }
}
