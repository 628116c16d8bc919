/**
 * Tells when a stream or a consumer has a new leader. What the old one was asked and has not answered is not answered
 * any more, so waiting for it would only cost time.
 *
 * The servers publish it just before the new leader takes requests, so the listener is told a moment later. Servers
 * that do not let the broker subscribe cost only that time.
 *
 * Thread: stream.
 */

import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../../shared/clock.ts';

/** Until the new leader takes requests, and every server knows it. Units: ms. */
const SETTLE_MS = 250;
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
  const follow = (subject: string, onLed: (tokens: readonly string[]) => void): void => {
    nc.subscribe(`${ADVISORY}.${subject}`, {
      callback: (error, message) => {
        if (error !== null) return;
        const tokens = message.subject.split('.').slice(STREAM_AT);
        clock.after(SETTLE_MS, () => onLed(tokens));
      },
    });
  };
  follow('STREAM.LEADER_ELECTED.*', ([stream]) => listener.onStreamLed(stream));
  follow('CONSUMER.LEADER_ELECTED.*.*', ([stream, consumer]) => {
    listener.onConsumerLed(stream, consumer);
  });
}
