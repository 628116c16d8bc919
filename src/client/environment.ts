/**
 * What a client needs of the world: time, chance and sockets. Tests hand in their own.
 *
 * Thread: any.
 */

import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, SystemClock } from '../shared/clock.ts';
import type { Address } from './address.ts';

/** Time, chance and sockets. */
export type Environment = {
  readonly clock: Clock;
  /** A number from 0 up to, and not including, 1. */
  readonly random: () => number;
  /** Begins to connect. The stream emits `connect` when it is done, or `error` and `close`. */
  readonly connect: (address: Address) => Duplex;
};

/** The machine's own. */
export const SYSTEM: Environment = {
  clock: new SystemClock(),
  random: Math.random,
  connect: ({ host, port }) => connect({ host, port, noDelay: true, keepAlive: true }),
};
