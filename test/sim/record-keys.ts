/**
 * Which messages the records are that channels have read from disk, by the numbers that they were handed out with.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { Channel } from '../../src/workers/pump/channel.ts';

export class RecordKeys {
  readonly #keys = new Map<Channel, Map<number, number>>();

  add(channel: Channel, number: number, key: number): void {
    const keys = this.#keys.get(channel) ?? new Map<number, number>();
    this.#keys.set(channel, keys);
    keys.set(number, key);
  }

  /** Errors: throws when the channel has read no such record. */
  keyOf(channel: Channel, number: number): number {
    const key = this.#keys.get(channel)?.get(number);
    assert.ok(key !== undefined, 'only what was read is read again');
    return key;
  }
}
