/**
 * Reports when a stream or a consumer has a new leader. The old leader no longer answers pending requests, so waiting
 * for them would only take time.
 *
 * The servers publish the election just before the new leader takes requests, so the listener is called a moment later.
 * If the servers do not let the broker subscribe, pending requests end by their timeout.
 *
 * Thread: stream.
 */

import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../../shared/clock.ts';

/** Until the new leader takes requests, and every server knows it. Units: ms. */
export const SETTLE_MS = 250;
const ADVISORY = '$JS.EVENT.ADVISORY';
/** Tokens before the name of the stream. */
const STREAM_AT = 5;

/** The listener for new leaders. */
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
