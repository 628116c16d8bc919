/**
 * What a client needs of the world: time, chance and sockets. Tests hand in their own.
 *
 * Thread: any.
 */

import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, SystemClock } from '../shared/clock.ts';
import type { Address } from './address.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import type { ConsumerConnection } from './consumer-connection.ts';
import type { ConsumerWishes } from './negotiation.ts';

/** Time, chance and sockets. */
export type Environment = {
  readonly clock: Clock;
  /** A number from 0 up to, and not including, 1. */
  readonly random: () => number;
  /** Begins to connect. The stream emits `connect` when it is done, or `error` and `close`. */
  readonly connect: (address: Address) => Duplex;
  /** Connects consumers in another way than over a stream. */
  readonly connectConsumer?: (
    address: Address,
    wishes: ConsumerWishes,
    owner: ConnectionOwner,
  ) => ConsumerConnection;
};

/** The machine's own. */
export const SYSTEM: Environment = {
  clock: new SystemClock(),
  random: Math.random,
  connect: ({ host, port }) => connect({ host, port, noDelay: true, keepAlive: true }),
};
