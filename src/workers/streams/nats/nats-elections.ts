/**
 * Tells when a stream or a consumer has a new leader. What the old one was asked and has not answered is not answered
 * any more, so waiting for it would only cost time.
 *
 * The servers publish it just before the new leader takes requests, so the listener is told a moment later. Servers
 * that do not let the broker subscribe cost only the time that an answer may take.
 *
 * Thread: stream.
 */

import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../../shared/clock.ts';

/** Until the new leader of a consumer takes requests, and every server knows it. Units: ms. */
const CONSUMER_SETTLE_MS = 250;
/** The same for a stream. It is longer, because the leader may answer what was published to it just before. */
export const STREAM_SETTLE_MS = 1000;
const ADVISORY = '$JS.EVENT.ADVISORY';
/** Tokens before the name of the stream. */
const STREAM_AT = 5;

/** Is told of new leaders. */
export type ElectionListener = {
  readonly onStreamLed: (stream: string) => void;
  readonly onConsumerLed: (stream: string, consumer: string) => void;
};

/** Calls the listener as long as the connection lives. */
export function followElections(
  nc: NatsConnection,
  clock: Pick<Clock, 'after'>,
  listener: ElectionListener,
): void {
  const follow = (
    subject: string,
    settleMs: number,
    onLed: (tokens: readonly string[]) => void,
  ): void => {
    nc.subscribe(`${ADVISORY}.${subject}`, {
      callback: (error, message) => {
        if (error !== null) return;
        const tokens = message.subject.split('.').slice(STREAM_AT);
        clock.after(settleMs, () => onLed(tokens));
      },
    });
  };
  follow('STREAM.LEADER_ELECTED.*', STREAM_SETTLE_MS, ([stream]) => listener.onStreamLed(stream));
  follow('CONSUMER.LEADER_ELECTED.*.*', CONSUMER_SETTLE_MS, ([stream, consumer]) => {
    listener.onConsumerLed(stream, consumer);
  });
}
