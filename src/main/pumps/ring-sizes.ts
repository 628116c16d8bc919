/**
 * How large the rings are that a broker's threads are connected with.
 *
 * Thread: any.
 */

import {
  APPEND_RING_BYTES,
  CONSUMER_RING_BYTES,
  DELIVER_RING_BYTES,
  PUBLISH_RING_BYTES,
  READ_RING_BYTES,
  RECORD_OVERHEAD_BYTES,
} from '../../shared/limits.ts';
import { capacityFor } from '../../shared/ring/layout.ts';

/** Capacities. Units: bytes. `append` and `read` are there once for each pair of a pump and a disk thread. */
export type RingSizes = {
  readonly publishes: number;
  readonly commands: number;
  readonly deliveries: number;
  readonly append: number;
  readonly read: number;
};

/** The rings of a broker whose messages have at most so many bytes. */
export function ringSizes(maxMsgSize: number): RingSizes {
  const messageBytes = maxMsgSize + RECORD_OVERHEAD_BYTES;
  return {
    publishes: capacityFor(messageBytes, PUBLISH_RING_BYTES),
    commands: CONSUMER_RING_BYTES,
    deliveries: capacityFor(messageBytes, DELIVER_RING_BYTES),
    append: capacityFor(messageBytes, APPEND_RING_BYTES),
    read: capacityFor(messageBytes, READ_RING_BYTES),
  };
}
