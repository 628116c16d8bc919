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
  /** The answer to IDENTIFY: JSON, a character for each byte. */
  readonly identity: () => string;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly logger: Logger;
  /** Takes over a socket to send its last answer. */
  readonly refused: RefusedSockets;
};
