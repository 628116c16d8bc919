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

/** Until the new leader of a consumer takes requests, and every server knows it. Units: ms. */
const CONSUMER_SETTLE_MS = 250;
/** The same for a stream. It is longer, because the leader may answer what was published to it just before. */
export const STREAM_SETTLE_MS = 1000;
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
