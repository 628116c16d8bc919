/**
 * What loads order that leave the ways of traffic to others: publishing as fast as it goes, consuming without
 * requeues, and nothing between the generator and the wire.
 */

import type { ConsumeOrder } from '../drives/consumer-group.ts';
import type { PublishOrder } from '../drives/publisher.ts';
import { PLAIN } from '../wire/connect.ts';

type PublishValues = Pick<PublishOrder, 'batch' | 'size' | 'connections' | 'inFlight'>;
type ConsumeValues = Pick<ConsumeOrder, 'connections' | 'rdy'>;

/** Without what says where, and how much. Of all values of a load, it takes its own. */
export function plainPublishing(
  values: PublishValues,
): Omit<PublishOrder, 'address' | 'topics' | 'messages' | 'seconds'> {
  const { batch, size, connections, inFlight } = values;
  return { layers: PLAIN, batch, size, deferMs: 0, connections, inFlight, rate: 0 };
}

/** As `plainPublishing`. */
export function plainConsuming(
  values: ConsumeValues,
): Omit<ConsumeOrder, 'address' | 'topics' | 'channels'> {
  const { connections, rdy } = values;
  return { layers: PLAIN, connections, rdy, finBatch: 0, requeueShare: 0 };
}
