/**
 * What commands need from their connection.
 *
 * Thread: main.
 */

import type { TlsContext } from '../../daemon/tls/tls-context.ts';
import type { ClientError } from '../../protocol/client-error.ts';
import type { ChannelMember } from '../topics/topic-map.ts';
import type { Client, Compression } from './client.ts';
import type { CLOSED, NEXT, Step } from './command-handler.ts';
import type { ResponseOrder } from './response-order.ts';

/**
 * The layers that IDENTIFY granted, in the order in which they are added; each confirms itself with an `OK` through
 * it.
 */
export type Layers = {
  readonly tls: TlsContext | null;
  readonly compression: Compression | null;
};

export interface ClientPort {
  readonly client: Client;
  /** The connection as a member of a channel. */
  readonly member: ChannelMember;
  /** The responses to the client, in order. */
  readonly responses: ResponseOrder;

  /** Sends an error; after a fatal one the connection closes. */
  fail(error: ClientError): typeof NEXT | typeof CLOSED;
  /** Adds to the cost of the current command. Units: as in `TurnBudget`. */
  charge(cost: number): void;
  /** Reserves a response's place; the returned function fills it with a frame or a fatal error. */
  respondLater(): (outcome: Buffer | ClientError) => void;
  /** Sends a response, then adds layers to the connection; commands continue when they are in place. */
  upgrade(response: Buffer, layers: Layers): void;
  /** Hands the command over again when the promise, which never rejects, resolves. */
  waitFor(promise: Promise<void>): Step;
  /** Keeps the command's bytes intact until it is handed over again; false: the caller has to copy them. */
  lend(): boolean;
  /** Hands the command over again when what it waits for calls back, such as the ring of its pump. */
  waitUntilWritable(onWritable: (listener: () => void) => void): Step;
}
