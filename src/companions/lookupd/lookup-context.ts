/**
 * What the connections of producers share.
 *
 * Thread: main (types and constants only).
 */

import type { Guard } from '../../daemon/guard.ts';
import type { Logger } from '../../daemon/log.ts';
import type { RefusedSockets } from '../../daemon/refused-sockets.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Registrations } from './registrations.ts';

/** What the connections of producers share. */
export type LookupContext = {
  readonly registrations: Registrations;
  /** Most topics and channels that one producer may register. */
  readonly registrationsMax: number;
  /** What a producer is answered when it has identified itself: JSON, a character for each of its bytes. */
  readonly identity: () => string;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly logger: Logger;
  /** Takes over a socket for its last answer. */
  readonly refused: RefusedSockets;
};
