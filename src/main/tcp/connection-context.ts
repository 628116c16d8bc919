/**
 * What all connections share.
 *
 * Thread: main.
 */

import type { Guard } from '../../daemon/guard.ts';
import type { Logger } from '../../daemon/log.ts';
import type { TlsContext } from '../../daemon/tls/tls-context.ts';
import type { Clock } from '../../shared/clock.ts';
import type { AuthSource } from '../auth/auth-state.ts';
import type { BodyMemory } from '../limits/body-memory.ts';
import type { TurnBudget } from '../limits/turn-budget.ts';
import type { Options } from '../options/options.ts';
import type { Traffic } from '../stats/traffic.ts';
import type { Publisher } from '../topics/publisher.ts';
import type { TopicMap } from '../topics/topic-map.ts';
import type { Deadlines } from './deadlines.ts';

/** What all connections share; `Connection` is their type. */
export type ConnectionContext<Connection> = {
  readonly options: Options;
  readonly topics: TopicMap;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  /** Closes a connection whose input causes an exception. */
  readonly guard: Guard;
  /** Bounds the memory of incomplete bodies. */
  readonly bodies: BodyMemory;
  /** Counts their commands and bytes. */
  readonly traffic: Traffic;
  /** Bounds each connection's share of main's turn. */
  readonly budget: TurnBudget;
  /** For clients that connect to the wrong port. Units: as `HttpBroker.httpPort`. */
  readonly httpPort: () => number;
  /** Null without a certificate. */
  readonly tls: TlsContext | null;
  /** Null where every client may do everything. */
  readonly auth: AuthSource | null;
  /** Schedules a flush of the connection's output at the end of this turn. */
  readonly onPending: (connection: Connection) => void;
  /** The client has left its channel. */
  readonly onLeft: (connection: Connection) => void;
  /** The connection has closed. */
  readonly onClosed: (connection: Connection) => void;
};
