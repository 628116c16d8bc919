/**
 * A subscribed client: compares its deliveries with what its pump has sent, and keeps the unanswered ones. The
 * simulation decides what it does, and when.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { ChannelHandle, ChannelMember } from '../../src/main/topics/topic-map.ts';
import type { ClientError } from '../../src/protocol/client-error.ts';
import { type DeliveredMessage, parseFrames } from './bodies.ts';
import type { PumpWatch } from './pump-watch.ts';

/** Beyond this a client has forgotten which ids it had. */
const REMEMBERED_MAX = 200;
const REFUSAL =
  /^E_(FIN|REQ|TOUCH)_FAILED \1 [0-9a-f]{16} failed (ID not in flight|client does not own message)$/;

export class SimConsumer implements ChannelMember {
  readonly number: number;
  readonly channel: ChannelHandle;
  readonly sampleRate: number;
  readyCount = 0;
  /** Whether its socket accepts nothing. */
  isSlow = false;
  isGone = false;
  /** After CLS. */
  isClosing = false;
  /** Messages delivered and not answered, oldest first. */
  unanswered: DeliveredMessage[] = [];
  /** Ids that it has answered, or that timed out. */
  readonly answered: string[] = [];
  /** Bytes that the socket has taken and that the pump has not heard of. */
  untoldBytes = 0;

  readonly #watch: PumpWatch;

  constructor(number: number, channel: ChannelHandle, sampleRate: number, watch: PumpWatch) {
    this.number = number;
    this.channel = channel;
    this.sampleRate = sampleRate;
    this.#watch = watch;
  }

  deliver(frames: Buffer): void {
    const messages = parseFrames(frames, 0, frames.length);
    const sent = this.#watch.sent.shift();
    assert.deepEqual({ consumer: this.number, messages }, sent, 'main gets what the pump has sent');
    if (this.isGone) return;
    this.unanswered.push(...messages);
    this.untoldBytes += frames.length;
  }

  refuse(error: ClientError): void {
    this.#watch.refusedCount--;
    assert.ok(this.#watch.refusedCount >= 0, 'what is refused was refused by the pump');
    assert.match(error.data.toString(), REFUSAL);
  }

  /** Its channel is gone. */
  destroy(): void {
    this.isGone = true;
  }

  /** Removes an unanswered message, to answer it. */
  takeUnanswered(index: number): DeliveredMessage {
    const [message] = this.unanswered.splice(index, 1);
    this.answered.push(message.id);
    if (this.answered.length > REMEMBERED_MAX) this.answered.shift();
    return message;
  }
}
