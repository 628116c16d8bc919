/**
 * A consumer in the broker's own process: a client without a socket. Its channel treats it as any other: records on the
 * same rings, a ready count, a window of bytes, and the same refusals.
 *
 * Frames are copied from the ring and handed over at the end of main's turn; the window gets their bytes back then, so
 * the ready count bounds what the consumer holds. A command that finds no room on the command ring waits here, in
 * order.
 *
 * Bound: one waiting command for each message in flight, and one for the ready count.
 * Thread: main.
 */

import { ClientError } from '../../protocol/client-error.ts';
import type { ChannelName, TopicName } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import type { DeliveryTarget } from '../pumps/deliveries.ts';
import type { PumpHandle } from '../pumps/pump-handle.ts';
import type { Client } from '../tcp/client.ts';
import { localityOf } from '../tcp/locality.ts';
import { whenChannelStored } from '../topics/stored.ts';
import { subscribe } from '../topics/subscribing.ts';
import type { ChannelHandle, ChannelMember, TopicMap } from '../topics/topic-map.ts';

/** The consumer of the messages. */
export type LocalConsumer = {
  /** Message frames: bytes that stay as they are. */
  onFrames(frames: Buffer): void;
  /** A FIN, REQ or TOUCH came too late. */
  onRefusal(error: ClientError): void;
  /** The channel is deleted, or the broker ends. No more messages follow. */
  onEnd(): void;
};

/** The dependencies of a local client. */
export type LocalContext = {
  readonly options: Options;
  readonly topics: TopicMap;
  /** Requests a flush of the client at the end of this turn. */
  readonly onPending: (client: LocalClient) => void;
  /** The client has left its channel. */
  readonly onLeft: (channel: ChannelHandle, member: ChannelMember) => void;
  /** It is gone. */
  readonly onEnded: (client: LocalClient) => void;
};

type Command = (pump: PumpHandle, consumer: number) => void;

export class LocalClient implements DeliveryTarget, ChannelMember {
  readonly client: Client;

  readonly #context: LocalContext;
  readonly #consumer: LocalConsumer;
  #frames: Buffer[] = [];
  /** Commands that wait for room, the oldest first. */
  #waiting: Command[] = [];
  #isEnded = false;

  constructor(client: Client, consumer: LocalConsumer, context: LocalContext) {
    this.client = client;
    this.#consumer = consumer;
    this.#context = context;
  }

  get number(): number {
    return this.client.number;
  }

  toString(): string {
    return `consumer ${this.number} of this process`;
  }

  /** Joins a channel. Errors: resolves with the reason if the channel is full, or if the store does not have it. */
  async subscribe(topic: TopicName, channel: ChannelName): Promise<ClientError | null> {
    const { topics, options } = this.#context;
    const { msgTimeoutMs, sampleRate } = this.client.settings;
    const locality = localityOf(this.client.settings, options);
    const request = { topic, channel, member: this, msgTimeoutMs, sampleRate, locality };
    // Without waiting for `creations`, as clients from outside do: the channel must exist when this returns.
    const joined = subscribe(topics, options, request);
    if (joined instanceof ClientError) return joined;
    this.client.state = { state: 'subscribed', channel: joined };
    const error = await whenChannelStored(joined);
    return error === null ? null : new ClientError('E_SUB_FAILED', `SUB failed ${error}`);
  }

  /** Sets how many messages may be in flight here. */
  setReady(count: number): void {
    this.#send((pump, consumer) => pump.setReady(consumer, count));
  }

  finish(idHigh: number, idLow: number): void {
    const pump = this.#freePump();
    if (pump !== null) pump.finish(this.number, idHigh, idLow);
    else this.#send((later, consumer) => later.finish(consumer, idHigh, idLow));
  }

  requeue(idHigh: number, idLow: number, delayMs: number): void {
    const heldMs = Math.min(delayMs, this.#context.options.maxReqTimeoutMs);
    this.#send((pump, consumer) => pump.requeue(consumer, idHigh, idLow, heldMs));
  }

  touch(idHigh: number, idLow: number): void {
    this.#send((pump, consumer) => pump.touch(consumer, idHigh, idLow));
  }

  /** Asks for no more messages. Resolves when no more can arrive. */
  async stop(): Promise<void> {
    const channel = this.#channel;
    if (channel === null) return;
    this.client.state = { state: 'closing', channel };
    await channel.topic.pump.request({ do: 'stopConsumer', consumer: this.number });
    this.flush();
  }

  /** Leaves the channel. Unanswered messages go to other consumers. */
  leave(): void {
    const channel = this.#channel;
    if (this.#isEnded) return;
    this.#end();
    if (channel !== null) this.#context.onLeft(channel, this);
  }

  /** Message frames from the pump: a view that is reused afterwards. */
  deliver(frames: Buffer): void {
    if (this.#frames.length === 0) this.#context.onPending(this);
    this.#frames.push(Buffer.from(frames));
  }

  refuse(error: ClientError): void {
    this.#consumer.onRefusal(error);
  }

  /** The channel is gone, or the broker ends. */
  destroy(): void {
    if (!this.#isEnded) this.#end();
  }

  /** Hands over the messages of this turn. */
  flush(): void {
    const frames = this.#frames;
    this.#frames = [];
    let bytes = 0;
    for (const piece of frames) bytes += piece.length;
    if (bytes > 0) this.#channel?.topic.pump.credit(this.number, bytes);
    for (const piece of frames) if (!this.#isEnded) this.#consumer.onFrames(piece);
  }

  get #channel(): ChannelHandle | null {
    const { state } = this.client;
    return state.state === 'init' ? null : state.channel;
  }

  /** Its pump, if a command is certain to find room there and overtakes no other. */
  #freePump(): PumpHandle | null {
    const pump = this.#channel?.topic.pump ?? null;
    return this.#waiting.length === 0 && pump?.hasCommandRoom() === true ? pump : null;
  }

  #send(command: Command): void {
    const pump = this.#freePump();
    if (pump !== null) command(pump, this.number);
    else if (!this.#isEnded) {
      this.#waiting.push(command);
      if (this.#waiting.length === 1) this.#sendLater();
    }
  }

  #sendLater(): void {
    const pump = this.#channel?.topic.pump;
    pump?.onCommandWritable(() => {
      let sent = 0;
      while (sent < this.#waiting.length && !this.#isEnded && pump.hasCommandRoom()) {
        this.#waiting[sent](pump, this.number);
        sent++;
      }
      this.#waiting = this.#isEnded ? [] : this.#waiting.slice(sent);
      if (this.#waiting.length > 0) this.#sendLater();
    });
  }

  #end(): void {
    this.#isEnded = true;
    this.#context.onEnded(this);
    this.#consumer.onEnd();
  }
}
