/**
 * What all connections use together.
 *
 * Thread: main.
 */

import type { Guard } from '../../daemon/guard.ts';
import type { Logger } from '../../daemon/log.ts';
import type { TlsContext } from '../../daemon/tls/tls-context.ts';
import type { Clock } from '../../shared/clock.ts';
import type { AuthServers } from '../auth/auth-servers.ts';
import type { BodyMemory } from '../limits/body-memory.ts';
import type { TurnBudget } from '../limits/turn-budget.ts';
import type { Options } from '../options/options.ts';
import type { Publisher } from '../topics/publisher.ts';
import type { TopicMap } from '../topics/topic-map.ts';
import type { Deadlines } from './deadlines.ts';

/** What all connections use together; `Connection` is what they are. */
export type ConnectionContext<Connection> = {
  readonly options: Options;
  readonly topics: TopicMap;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  /** Ends a connection whose input makes something throw. */
  readonly guard: Guard;
  /** Bounds what has come of bodies. */
  readonly bodies: BodyMemory;
  /** Bounds what one of them takes of main's turn. */
  readonly budget: TurnBudget;
  /** For clients that have come to the wrong port. Units: as `HttpBroker.httpPort`. */
  readonly httpPort: () => number;
  /** Null without a certificate. */
  readonly tls: TlsContext | null;
  /** Null where there are none. */
  readonly auth: AuthServers | null;
  /** Has the connection's output flushed at the end of this turn. */
  readonly onPending: (connection: Connection) => void;
  /** The client takes part in its channel no longer. */
  readonly onLeft: (connection: Connection) => void;
  /** The connection is gone. */
  readonly onClosed: (connection: Connection) => void;
};
