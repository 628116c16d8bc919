/**
 * A subscribed connection, as its channel sees it, and the connections of a channel that may get messages now.
 *
 * Thread: pump.
 */

import type { Locality } from '../../shared/control.ts';

export class Consumer {
  /** The connection's number. */
  readonly number: number;
  readonly channelNumber: number;
  readonly msgTimeoutMs: number;
  /** The percentage of messages that it receives, minus one; 0 means all. */
  readonly sampleRate: number;
  readonly locality: Locality;
  /** The value of RDY: a level, not a credit. */
  readyCount = 0;
  inFlightCount = 0;
  /** Bytes that may still be sent before the socket accepts some; negative by at most one batch. */
  windowBytes: number;
  /** Set by CLS: no more messages are sent. */
  isClosing = false;
  messageCount = 0;
  finishCount = 0;
  requeueCount = 0;

  constructor(
    number: number,
    channelNumber: number,
    msgTimeoutMs: number,
    sampleRate: number,
    windowBytes: number,
    locality: Locality,
  ) {
    this.number = number;
    this.channelNumber = channelNumber;
    this.msgTimeoutMs = msgTimeoutMs;
    this.sampleRate = sampleRate;
    this.windowBytes = windowBytes;
    this.locality = locality;
  }

  /** How many messages it may receive now. */
  get capacity(): number {
    if (this.isClosing || this.windowBytes <= 0) return 0;
    return Math.max(0, this.readyCount - this.inFlightCount);
  }
}

/** One for all, to which nobody is added: most of many channels have no consumer. */
const NOBODY = new Set<Consumer>();

/**
 * The consumers of a channel with capacity, in the order of their turns.
 *
 * The closest come first: those in the broker's zone, then those in its region, then all others; without topology all
 * are equal. Equal consumers take turns.
 *
 * Thread: pump. Source: nsqd's `zoneLocalMsgChan` and `regionLocalMsgChan`.
 */
export class ReadyConsumers {
  #zone = NOBODY;
  #region = NOBODY;
  #global = NOBODY;

  get isEmpty(): boolean {
    return this.#zone.size === 0 && this.#region.size === 0 && this.#global.size === 0;
  }

  /** Adds a consumer after its equals, unless it is already there. */
  add(consumer: Consumer): void {
    let equals = this.#equals(consumer);
    if (equals === NOBODY) equals = this.#makeEquals(consumer);
    equals.add(consumer);
  }

  delete(consumer: Consumer): void {
    this.#equals(consumer).delete(consumer);
  }

  /** The consumer whose turn it is; drops consumers that have lost their capacity. */
  next(): Consumer | undefined {
    return (
      firstWithCapacity(this.#zone) ??
      firstWithCapacity(this.#region) ??
      firstWithCapacity(this.#global)
    );
  }

  /** How many messages they could take in all. */
  get capacity(): number {
    let capacity = 0;
    for (const equals of [this.#zone, this.#region, this.#global]) {
      for (const consumer of equals) capacity += consumer.capacity;
    }
    return capacity;
  }

  /** How many consumers take turns with this one, itself included. */
  equalCount(consumer: Consumer): number {
    return this.#equals(consumer).size;
  }

  #makeEquals(consumer: Consumer): Set<Consumer> {
    const equals = new Set<Consumer>();
    if (consumer.locality === 'zone') this.#zone = equals;
    else if (consumer.locality === 'region') this.#region = equals;
    else this.#global = equals;
    return equals;
  }

  #equals(consumer: Consumer): Set<Consumer> {
    switch (consumer.locality) {
      case 'zone':
        return this.#zone;
      case 'region':
        return this.#region;
      case 'global':
        return this.#global;
    }
  }
}

function firstWithCapacity(consumers: Set<Consumer>): Consumer | undefined {
  for (const consumer of consumers) {
    if (consumer.capacity > 0) return consumer;
    consumers.delete(consumer);
  }
  return undefined;
}
