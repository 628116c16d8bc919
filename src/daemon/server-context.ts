/**
 * What a server gets from the program that it runs in.
 *
 * Thread: main.
 */

import type { Clock } from '../shared/clock.ts';
import type { Guard } from './guard.ts';
import type { Logger } from './log.ts';

/** What a server gets from the program that it runs in. */
export type ServerContext = {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly guard: Guard;
};
