/**
 * Brokers that share a fake store of replicated topics, on one manual clock: topics whose names begin with `r` are in
 * the store.
 *
 * Thread: any.
 */

import { MAGIC, NOP } from '../../src/protocol/commands.ts';
import { BrokerTurns } from './broker-turns.ts';
import type { FakeSocket } from './fake-socket.ts';
import { FakeStreamServer } from './fake-stream-server.ts';
import type { FakeStreamStore } from './fake-stream-store.ts';
import { ManualClock } from './manual-clock.ts';

export class ReplicatedSite {
  readonly server = new FakeStreamServer(new ManualClock());
  readonly stores: FakeStreamStore[] = [];
  readonly brokers: BrokerTurns[];
  readonly #sockets: FakeSocket[] = [];

  /** `keys`: those of a policy for all channels. */
  constructor(count = 1, keys: object = {}) {
    this.brokers = Array.from({ length: count }, () => {
      const own = this.server.connect();
      this.stores.push(own);
      const given = { natsUrl: 'nats://fake', msgTimeoutMs: 60_000 };
      return new BrokerTurns(given, {}, Number.POSITIVE_INFINITY, {
        ...{ server: this.server, own, keys },
      });
    });
  }

  /** Takes turns until nothing more happens. */
  async turns(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      this.server.look();
      for (const broker of this.brokers) await broker.turns();
    }
  }

  /** Moves the clock; the clients answer heartbeats. */
  async advance(byMs: number): Promise<void> {
    for (const socket of this.#sockets)
      if (!socket.hasEnded && !socket.isDestroyed) socket.send(NOP);
    await this.turns();
    this.server.clock.advance(byMs);
    await this.turns();
  }

  /** A client that has sent these commands and read their answers. */
  async client(broker: BrokerTurns, ...commands: readonly Buffer[]): Promise<FakeSocket> {
    const socket = broker.connect();
    this.#sockets.push(socket);
    socket.send(Buffer.concat([MAGIC, ...commands]));
    await this.turns();
    return socket;
  }
}

/** Frames since the last call, without heartbeats. */
export function framesOf(socket: FakeSocket): string[] {
  return socket.frames().filter((frame) => frame !== 'response _heartbeat_');
}
