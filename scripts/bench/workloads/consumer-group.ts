/**
 * Consumes and finishes over several connections, from one or more channels of one or more topics.
 */

import type { HostPort } from '../../../src/daemon/host-port.ts';
import { NOP } from '../../../src/protocol/commands.ts';
import { AnswerBatch } from '../wire/commands.ts';
import { type FrameHandler, FrameReader } from '../wire/frame-reader.ts';
import type { Layers, Link } from '../wire/link.ts';
import { connectMany } from '../wire/link.ts';
import type { ProgressCount } from './workload.ts';

const NO_MORE = Buffer.from('RDY 0\n');

export type ConsumeOrder = {
  readonly address: HostPort;
  readonly layers: Layers;
  readonly topics: readonly string[];
  /** Channels of each topic. */
  readonly channels: readonly string[];
  /** Connections of each channel. */
  readonly connections: number;
  readonly rdy: number;
  /** FINs in one write, at most RDY, not counting those next to a REQ; 0: those for all messages of one read. */
  readonly finBatch: number;
  /** The share of deliveries that are requeued instead of finished; below 1. */
  readonly requeueShare: number;
};

export class ConsumerGroup {
  readonly #members: Member[] = [];
  readonly #progress: ProgressCount;
  readonly #subscribed = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  #subscribedCount = 0;
  #finished = 0;
  #expected = Number.POSITIVE_INFINITY;

  private constructor(progress: ProgressCount) {
    this.#progress = progress;
    // They are awaited one after the other, and a failure is reported to both. They may fail before the caller awaits
    // them.
    this.#subscribed.promise.catch(() => undefined);
    this.#ended.promise.catch(() => undefined);
    this.#failed.promise.catch(() => undefined);
  }

  /** Connects, without subscribing. */
  static async open(order: ConsumeOrder, progress: ProgressCount): Promise<ConsumerGroup> {
    const group = new ConsumerGroup(progress);
    const places = order.topics.flatMap((topic) =>
      order.channels.map((channel) => `${topic} ${channel}`),
    );
    const count = order.connections * places.length;
    const links = await connectMany(count, order.address, order.layers);
    links.forEach((link, index) => {
      group.#members.push(new Member(link, places[index % places.length], order, group));
    });
    return group;
  }

  /** How many messages are finished, over all topics and channels. */
  get finished(): number {
    return this.#finished;
  }

  /** Subscribes, and requests messages at the same time. */
  start(): void {
    for (const member of this.#members) member.start();
  }

  /** Resolves when all consumers have the answer to SUB. */
  subscribed(): Promise<void> {
    return this.#subscribed.promise;
  }

  /** Resolves when this many messages of all topics and channels are finished. */
  async finish(count: number): Promise<void> {
    this.#expected = count;
    this.#check();
    await this.#ended.promise;
    for (const member of this.#members) member.end();
  }

  /** Never resolves. Errors: rejects if the server refuses something or closes the connection. */
  failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Makes `finish` resolve with the messages so far. */
  stop(): void {
    this.#expected = Math.min(this.#expected, this.#finished);
    this.#check();
  }

  close(): void {
    for (const member of this.#members) member.close();
  }

  onSubscribed(): void {
    this.#subscribedCount++;
    if (this.#subscribedCount === this.#members.length) this.#subscribed.resolve();
  }

  onFinished(count: number): void {
    this.#finished += count;
    this.#progress.done = this.#finished;
    this.#check();
  }

  onFailed(error: Error): void {
    this.#subscribed.reject(error);
    this.#ended.reject(error);
    this.#failed.reject(error);
  }

  #check(): void {
    if (this.#finished >= this.#expected) this.#ended.resolve();
  }
}

/** One connection. */
class Member implements FrameHandler {
  readonly #link: Link;
  readonly #group: ConsumerGroup;
  readonly #commands: Buffer;
  readonly #finBatch: number;
  readonly #requeueShare: number;
  readonly #batch = new AnswerBatch();
  /** The accumulated share of requeues: at 1 a message is requeued. */
  #requeueDue = 0;
  #holdsRequeue = false;
  #finished = 0;

  /** `place`: topic and channel, as in SUB. */
  constructor(link: Link, place: string, order: ConsumeOrder, group: ConsumerGroup) {
    this.#link = link;
    this.#group = group;
    this.#commands = Buffer.from(`SUB ${place}\nRDY ${order.rdy}\n`);
    this.#finBatch = order.finBatch;
    this.#requeueShare = order.requeueShare;
    const reader = new FrameReader(this);
    link.listen({
      onBytes: (chunk, end) => {
        reader.take(chunk, end);
        this.#endChunk();
      },
      onGone: (error) => group.onFailed(error),
    });
  }

  start(): void {
    this.#link.send(this.#commands);
  }

  /** Sends the answers that are held back. */
  flush(): void {
    this.#holdsRequeue = false;
    if (this.#batch.count > 0) this.#batch.clear(this.#link.send(this.#batch.bytes()));
  }

  /** Stops delivery, so that messages after the last one that counts cost the server nothing. */
  end(): void {
    this.#link.send(NO_MORE);
    this.flush();
  }

  close(): void {
    this.#link.close();
  }

  onMessage(view: DataView, at: number): void {
    this.#requeueDue += this.#requeueShare;
    if (this.#requeueDue >= 1) {
      this.#requeueDue -= 1;
      this.#batch.requeue(view, at);
      this.#holdsRequeue = true;
    } else {
      this.#batch.finish(view, at);
      this.#finished++;
    }
    if (this.#batch.count === this.#finBatch) this.flush();
  }

  onOk(): void {
    this.#group.onSubscribed();
  }

  onHeartbeat(): void {
    this.#link.send(NOP);
  }

  onError(text: string): void {
    this.#group.onFailed(new Error(`consuming: the server says ${text}`));
  }

  #endChunk(): void {
    // a message whose REQ is held back would return only after its timeout, and the last ones are awaited
    if (this.#finBatch === 0 || this.#holdsRequeue) this.flush();
    if (this.#finished === 0) return;
    const count = this.#finished;
    this.#finished = 0;
    this.#group.onFinished(count);
  }
}
