/**
 * The fast lane for HTTP: connections that carry only publish requests are served without Node's HTTP server, which
 * would double the cost of a publish. Like connections of the queue protocol, they are read into one shared buffer
 * and written to once per turn.
 *
 * Bound: a connection that sends nothing is closed after FIRST_LOOKS_MAX checks, and an incomplete request leaves the
 * lane after UNFINISHED_LOOKS_MAX checks, where the deadlines of Node's server apply.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { Guard } from '../../../daemon/guard.ts';
import type { Listener } from '../../../daemon/http/exchange.ts';
import type { FastLane, Leave } from '../../../daemon/http/http-server.ts';
import type { BodyMemory } from '../../../daemon/http/request-gatherer.ts';
import type { Clock, Timer } from '../../../shared/clock.ts';
import type { TurnBudget } from '../../limits/turn-budget.ts';
import type { PendingClient } from '../../pumps/turn.ts';
import type { HttpAccess } from '../http-access.ts';
import type { PublishEndpoints } from '../publish-endpoints.ts';
import { ChunkedBody } from './chunked-body.ts';
import { LaneAnswers } from './lane-answers.ts';
import { LaneConnection } from './lane-connection.ts';
import type { LaneContext } from './lane-context.ts';

/** The dependencies of the lane. */
export type PublishLaneSetup = {
  readonly endpoints: PublishEndpoints;
  /** Null without an access file. */
  readonly access: HttpAccess | null;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly bodies: BodyMemory;
  /** Called with the status of each answer. */
  readonly countAnswer: (status: number) => void;
  /** Whether a request for this host may be answered on a loopback listener. */
  readonly isOwnHost: (host: string) => boolean;
  /** The connection has answers: its `flush` is called at the end of main's turn. */
  readonly onPending: (connection: PendingClient) => void;
  readonly budget: TurnBudget;
};

/** Larger bodies leave the lane, since their memory must be accounted for as they arrive. */
const BODY_BYTES_MAX = 64 * 1024 - 1;
/** Interval between checks for incomplete requests and silent connections. */
const LOOK_MS = 1000;
/** A connection must send its first byte within this many checks, as with Node's server. */
const FIRST_LOOKS_MAX = 60;
/** The same for the rest of a request. */
const UNFINISHED_LOOKS_MAX = 2;

export class PublishLane implements FastLane {
  readonly #clock: Clock;
  readonly #isOwnHost: (host: string) => boolean;
  readonly #context: LaneContext<LaneConnection>;
  readonly #connections = new Set<LaneConnection>();
  /** Connections that wait for their first byte or for the rest of a request. */
  readonly #unfinished = new Set<LaneConnection>();
  #look: Timer | null = null;

  constructor(setup: PublishLaneSetup) {
    const { endpoints, clock, guard, bodies, isOwnHost, onPending } = setup;
    this.#clock = clock;
    this.#isOwnHost = isOwnHost;
    this.#context = {
      endpoints,
      access: setup.access,
      answers: new LaneAnswers(clock),
      chunks: new ChunkedBody(),
      bodies,
      budget: setup.budget,
      countAnswer: setup.countAnswer,
      guard,
      bodyBytesMax: (isMany) => Math.min(BODY_BYTES_MAX, endpoints.bodyBytesMax(isMany)),
      onPending,
      onUnfinished: (connection) => this.#watch(connection),
      onFinished: (connection) => this.#unwatch(connection),
      onGone: (connection) => {
        this.#connections.delete(connection);
        this.#unwatch(connection);
      },
    };
  }

  take(socket: Socket, { isLoopback }: Listener, leave: Leave): void {
    const isOwnHost = isLoopback ? this.#isOwnHost : anyHost;
    const connection = new LaneConnection(socket, this.#context, isOwnHost, leave);
    this.#connections.add(connection);
    this.#watch(connection);
  }

  close(): void {
    for (const connection of [...this.#connections]) connection.close();
  }

  #watch(connection: LaneConnection): void {
    if (this.#unfinished.has(connection)) return;
    connection.lookCount = 0;
    this.#unfinished.add(connection);
    if (this.#look === null) this.#lookLater();
  }

  #unwatch(connection: LaneConnection): void {
    if (!this.#unfinished.delete(connection) || this.#unfinished.size > 0) return;
    this.#look?.cancel();
    this.#look = null;
  }

  #lookLater(): void {
    this.#look = this.#clock.after(LOOK_MS, () => this.#lookAtUnfinished());
    this.#look.unref();
  }

  #lookAtUnfinished(): void {
    this.#look = null;
    for (const connection of [...this.#unfinished]) {
      connection.lookCount++;
      if (connection.isSilent) {
        if (connection.lookCount >= FIRST_LOOKS_MAX) connection.destroy();
      } else if (connection.lookCount >= UNFINISHED_LOOKS_MAX) {
        connection.leaveLane();
      }
    }
    if (this.#unfinished.size > 0 && this.#look === null) this.#lookLater();
  }
}

function anyHost(): boolean {
  return true;
}
