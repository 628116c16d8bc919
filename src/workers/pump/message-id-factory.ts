/**
 * The ids of one topic's messages, strictly increasing.
 *
 * Shape of an id: 42 bits of time (units of 2^20 ns since an epoch of 2009), 10 bits of node id, 12 bits of
 * sequence. Ids are taken in runs: a batch of messages needs only its first id.
 *
 * Bound: 4096 ids for each unit of time. nsqd sleeps when they are used up or the clock has gone back. This factory
 * borrows from later units instead, so ids of a long burst run ahead of the clock.
 *
 * Thread: pump. Source: nsqd's `guid.go`.
 */

import { assert } from '../../shared/assert.ts';

const EPOCH_UNITS = 1288834974288;
const SEQUENCE_COUNT = 4096;
const WORD = 2 ** 32;

export class MessageIdFactory {
  /** The first id of the run last taken. */
  high = 0;
  low = 0;

  readonly #nodeBits: number;
  #unit = 0;
  #sequence = 0;

  /** Units: `nodeId` 0 to 1023. */
  constructor(nodeId: number) {
    assert(nodeId >= 0 && nodeId < 1024, 'a node id has 10 bits');
    this.#nodeBits = nodeId << 12;
  }

  /**
   * Takes a run of up to `count` consecutive ids into `high` and `low`, and returns how many it holds: a run
   * ends with its unit of time. Units: the time is Unix ns as two words.
   */
  take(count: number, timestampHigh: number, timestampLow: number): number {
    const unit = timestampHigh * 4096 + (timestampLow >>> 20) - EPOCH_UNITS;
    if (unit > this.#unit) {
      this.#unit = unit;
      this.#sequence = 0;
    } else if (this.#sequence === SEQUENCE_COUNT) {
      this.#unit++;
      this.#sequence = 0;
    }
    const taken = Math.min(count, SEQUENCE_COUNT - this.#sequence);
    this.high = Math.floor(this.#unit / 1024) % WORD;
    this.low = (((this.#unit % 1024) << 22) | this.#nodeBits | this.#sequence) >>> 0;
    this.#sequence += taken;
    return taken;
  }
}
