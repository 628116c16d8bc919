/**
 * The sizes of the rings between a broker's threads.
 *
 * Thread: any.
 */

import {
  COMMAND_RING_BYTES,
  DELIVER_RING_BYTES,
  PUBLISH_RING_BYTES,
  RECORD_OVERHEAD_BYTES,
  REPLY_RING_BYTES,
  REQUEST_RING_BYTES,
} from '../../shared/limits.ts';
import { capacityFor } from '../../shared/ring/ring.ts';

/** Capacities. Units: bytes. There are `requests` and `replies` for each pair of a pump and a disk thread. */
export type RingSizes = {
  readonly publishes: number;
  readonly commands: number;
  readonly deliveries: number;
  readonly requests: number;
  readonly replies: number;
};

/** The rings of a broker whose messages have at most this many bytes. */
export function ringSizes(maxMsgSize: number): RingSizes {
  const messageBytes = maxMsgSize + RECORD_OVERHEAD_BYTES;
  return {
    publishes: capacityFor(messageBytes, PUBLISH_RING_BYTES),
    commands: COMMAND_RING_BYTES,
    deliveries: capacityFor(messageBytes, DELIVER_RING_BYTES),
    requests: capacityFor(messageBytes, REQUEST_RING_BYTES),
    replies: capacityFor(messageBytes, REPLY_RING_BYTES),
  };
}
