/**
 * What all connections on the fast lane use together.
 *
 * Thread: main.
 */

import type { Guard } from '../../../daemon/guard.ts';
import type { BodyMemory } from '../../../daemon/http/request-gatherer.ts';
import type { PublishEndpoints } from '../publish-endpoints.ts';
import type { ChunkedBody } from './chunked-body.ts';
import type { LaneAnswers } from './lane-answers.ts';

export type LaneContext<Connection> = {
  readonly endpoints: PublishEndpoints;
  readonly answers: LaneAnswers;
  /** Reads bodies in chunks; of use until the next one is read. */
  readonly chunks: ChunkedBody;
  readonly bodies: BodyMemory;
  readonly guard: Guard;
  /** What the body of one message, or of many, may have; a larger one is not for the lane. */
  readonly bodyBytesMax: (isMany: boolean) => number;
  /** It has answers to be written at the end of the turn. */
  readonly onPending: (connection: Connection) => void;
  /** It waits for the rest of a request. */
  readonly onUnfinished: (connection: Connection) => void;
  /** It waits for nothing but another request. */
  readonly onFinished: (connection: Connection) => void;
  /** It has left the lane, or is closed. */
  readonly onGone: (connection: Connection) => void;
};
