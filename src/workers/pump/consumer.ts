/**
 * A subscribed connection, as its channel sees it.
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
