/**
 * What commands need of their connection.
 *
 * Thread: main.
 */

import type { TlsContext } from '../../daemon/tls/tls-context.ts';
import type { ClientError } from '../../protocol/client-error.ts';
import type { ChannelMember } from '../topics/topic-map.ts';
import type { Client, Compression } from './client.ts';
import type { CLOSED, NEXT, Step } from './command-handler.ts';
import type { ResponseOrder } from './response-order.ts';

/** The layers that IDENTIFY granted, in the order in which they are added; each is answered `OK` through itself. */
export type Layers = {
  readonly tls: TlsContext | null;
  readonly compression: Compression | null;
};

export interface ClientPort {
  readonly client: Client;
  /** The connection as a member of a channel. */
  readonly member: ChannelMember;
  /** What answers the client, in order. */
  readonly responses: ResponseOrder;

  /** Responds with an error; a fatal one ends the connection once it is written. */
  fail(error: ClientError): typeof NEXT | typeof CLOSED;
  /** A command cost this much more than others. Units: as in `TurnBudget`. */
  charge(cost: number): void;
  /** Holds a response's place; `settle` fills it with a frame or a fatal error. */
  respondLater(): (outcome: Buffer | ClientError) => void;
  /** Sends a response, then puts layers on the connection; commands are taken again when they are there. */
  upgrade(response: Buffer, layers: Layers): void;
  /** Hands the command over again when the promise, which never rejects, resolves. */
  waitFor(promise: Promise<void>): Step;
  /** Leaves the command's bytes as they are until it is handed over again; false: they have to be copied. */
  lend(): boolean;
  /** Hands the command over again when its pump has room. */
  waitUntilWritable(onWritable: (listener: () => void) => void): Step;
}
