/**
 * A client's external dependencies: clock, random numbers and sockets. Tests replace them.
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

/** Clock, random numbers and sockets. */
export type Environment = {
  readonly clock: Clock;
  /** A number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Starts connecting. The stream emits `connect`, or `error` and `close`. */
  readonly connect: (address: Address) => Duplex;
  /** Connects consumers without a stream. */
  readonly connectConsumer?: (
    address: Address,
    wishes: ConsumerWishes,
    owner: ConnectionOwner,
  ) => ConsumerConnection;
};

/** The real ones. */
export const SYSTEM: Environment = {
  clock: new SystemClock(),
  random: Math.random,
  connect: ({ host, port }) => connect({ host, port, noDelay: true, keepAlive: true }),
};
