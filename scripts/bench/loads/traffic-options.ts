/**
 * The options of loads that publish and consume, and the workloads that they run.
 */

import {
  ArgumentError,
  amount,
  choice,
  count,
  optionalAmount,
  optionalCount,
  share,
  toggle,
} from '../options.ts';
import type { ServerNeeds } from '../target.ts';
import type { Layers } from '../wire/link.ts';
import { PLAIN } from '../wire/link.ts';
import { PAYLOAD_OPTION } from '../wire/payload.ts';
import type { ConsumeOrder } from '../workloads/consumer-group.ts';
import type { PublishOrder } from '../workloads/publisher.ts';

/** Messages and duration, either of which ends a load that publishes. */
export const END_OPTIONS = {
  messages: optionalCount(1, 'end after this many messages (default 2000000 without --seconds)'),
  seconds: optionalAmount(0.001, 'end after this many seconds'),
} as const;

/** The batches that are published. */
export const BATCH_OPTIONS = {
  batch: count(200, 1, 'messages in a command: 1 is PUB, more is MPUB'),
  size: count(200, 1, 'bytes of a message'),
  payload: PAYLOAD_OPTION,
} as const;

/** How they are published. */
export const PUBLISHER_OPTIONS = {
  connections: count(2, 1, 'connections that publish'),
  inFlight: count(2, 1, 'unanswered commands of each publishing connection'),
} as const;

/** When they are published. */
export const RATE_OPTIONS = {
  rate: amount(
    0,
    0,
    'messages per second, sent on schedule whatever the server does; 0 is full speed',
  ),
} as const;

/** How messages are consumed. */
export const CONSUMER_OPTIONS = {
  rdy: count(2500, 1, 'RDY of each consumer'),
  finBatch: count(0, 0, 'FINs in one write; 0 means those for all messages of one read'),
  requeueShare: share(0, 'share of deliveries that are requeued with REQ'),
} as const;

/** The layers between the generator and the network. */
export const LAYER_OPTIONS = {
  tls: toggle('use TLS; a server that is started gets a certificate'),
  compression: choice(['none', 'snappy', 'deflate'], 'compress both directions'),
} as const;

export const MESSAGES_DEFAULT = 2_000_000;
/** A load with a time limit may publish any number of messages: memory holds this many, the disk the rest. */
const TIMED_MEM_QUEUE_SIZE = 10_000_000;
/** Even a few messages may form large batches, the last of which is sent whole. */
export const MEM_QUEUE_SIZE_MIN = 100_000;

/** The limits that end a load, with defaults. */
export function endOf(values: {
  readonly messages: number | null;
  readonly seconds: number | null;
}): { messages: number | null; seconds: number | null } {
  const { messages, seconds } = values;
  return { messages: messages ?? (seconds === null ? MESSAGES_DEFAULT : null), seconds };
}

/** A server that holds all messages in memory. */
export function needsFor(messages: number | null, layers: Layers | null): ServerNeeds {
  return {
    memQueueSize:
      messages === null ? TIMED_MEM_QUEUE_SIZE : Math.max(MEM_QUEUE_SIZE_MIN, 2 * messages),
    hasTls: layers?.tls ?? false,
    flags: [],
    prepare: null,
  };
}

/** Errors: throws an `ArgumentError` if consumers would hold back more FINs than they may have messages. */
export function checkFinBatch({
  finBatch,
  rdy,
}: {
  readonly finBatch: number;
  readonly rdy: number;
}): void {
  if (finBatch <= rdy) return;
  throw new ArgumentError(
    `--fin-batch ${finBatch} is more than --rdy ${rdy}: no more messages would come before the FINs`,
  );
}

/** The layers, taken from all values of a load. */
export function layersOf({ tls, compression }: Layers): Layers {
  return { tls, compression };
}

type PublishValues = Pick<PublishOrder, 'batch' | 'size' | 'payload' | 'connections' | 'inFlight'>;
type ConsumeValues = Pick<ConsumeOrder, 'connections' | 'rdy'>;

/** Publishing without layers and at full speed, for messages that are then consumed. */
export function plainPublishing(
  values: PublishValues,
): Omit<PublishOrder, 'address' | 'topics' | 'messages' | 'seconds'> {
  const { batch, size, payload, connections, inFlight } = values;
  const body = payload === undefined ? { size } : { size, payload };
  return { layers: PLAIN, batch, ...body, deferMs: 0, connections, inFlight, rate: 0 };
}

/** As `plainPublishing`. */
export function plainConsuming(
  values: ConsumeValues,
): Omit<ConsumeOrder, 'address' | 'topics' | 'channels'> {
  const { connections, rdy } = values;
  return { layers: PLAIN, connections, rdy, finBatch: 0, requeueShare: 0 };
}
