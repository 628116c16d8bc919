/**
 * Sends datagrams to one address.
 *
 * Thread: main.
 */

import type { Socket } from 'node:dgram';
import { InvalidValue } from '../../../daemon/options/invalid-value.ts';
import { parsePeerAddress } from '../../../daemon/peer-address.ts';

/** A destination of datagrams, without confirmation. */
export interface Datagrams {
  /** Errors: rejects if the machine cannot send it; later ones may still be sent. */
  send(packet: Buffer): Promise<void>;
  /** Closes the socket, after everything was sent. */
  close(): void;
}

/** Errors: rejects if the address is invalid or its host has no address. */
export async function openDatagrams(address: string): Promise<Datagrams> {
  const parsed = parsePeerAddress(address);
  if (parsed instanceof InvalidValue)
    throw new Error(`address ${JSON.stringify(address)} ${parsed.why}`);
  // Most statsds listen only on IPv4, and a lost datagram causes no error.
  const { lookup } = process.getBuiltinModule('node:dns/promises');
  const found = await lookup(parsed.host, { order: 'ipv4first' });
  return new UdpDatagrams(found.family === 6 ? 'udp6' : 'udp4', found.address, parsed.port);
}

class UdpDatagrams implements Datagrams {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #port: number;

  constructor(type: 'udp4' | 'udp6', host: string, port: number) {
    this.#socket = process.getBuiltinModule('node:dgram').createSocket(type);
    this.#host = host;
    this.#port = port;
    // Each send reports its own errors; without a listener a failure to bind would also end the process.
    this.#socket.on('error', () => undefined);
    this.#socket.unref();
  }

  send(packet: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(packet, this.#port, this.#host, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    this.#socket.close();
  }
}
