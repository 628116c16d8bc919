/**
 * What all connections on the fast lane share.
 *
 * Thread: main.
 */

import type { Guard } from '../../../daemon/guard.ts';
import type { BodyMemory } from '../../../daemon/http/request-gatherer.ts';
import type { TurnBudget } from '../../limits/turn-budget.ts';
import type { HttpAccess } from '../http-access.ts';
import type { PublishEndpoints } from '../publish-endpoints.ts';
import type { ChunkedBody } from './chunked-body.ts';
import type { LaneAnswers } from './lane-answers.ts';

export type LaneContext<Connection> = {
  readonly endpoints: PublishEndpoints;
  /** Null without an access file. */
  readonly access: HttpAccess | null;
  readonly answers: LaneAnswers;
  /** Reads chunked bodies; its result is valid until the next body is read. */
  readonly chunks: ChunkedBody;
  readonly bodies: BodyMemory;
  readonly budget: TurnBudget;
  readonly countAnswer: (status: number) => void;
  readonly guard: Guard;
  /** The largest body of a publish of one message, or of many; larger ones leave the lane. */
  readonly bodyBytesMax: (isMany: boolean) => number;
  /** The connection has answers to write at the end of the turn. */
  readonly onPending: (connection: Connection) => void;
  /** The connection waits for the rest of a request. */
  readonly onUnfinished: (connection: Connection) => void;
  /** The connection waits only for another request. */
  readonly onFinished: (connection: Connection) => void;
  /** The connection has left the lane or is closed. */
  readonly onGone: (connection: Connection) => void;
};
