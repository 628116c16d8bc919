/**
 * A way to send datagrams to one address.
 *
 * Thread: main.
 */

import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { InvalidValue } from '../../../daemon/options/invalid-value.ts';
import { parsePeerAddress } from '../../../daemon/peer-address.ts';

/** Where datagrams go; whether they arrive nobody knows. */
export interface Datagrams {
  /** Errors: rejects when the machine cannot send it; the next one may still be sent. */
  send(packet: Buffer): Promise<void>;
  /** Closes the socket. What was sent has left. */
  close(): void;
}

/** Errors: rejects when the address is invalid, or its host has no address. */
export async function openDatagrams(address: string): Promise<Datagrams> {
  const parsed = parsePeerAddress(address);
  if (parsed instanceof InvalidValue)
    throw new Error(`address ${JSON.stringify(address)} ${parsed.why}`);
  // A statsd mostly listens on IPv4 alone, and nothing would tell that it does not hear.
  const found = await lookup(parsed.host, { order: 'ipv4first' });
  return new UdpDatagrams(found.family === 6 ? 'udp6' : 'udp4', found.address, parsed.port);
}

class UdpDatagrams implements Datagrams {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #port: number;

  constructor(type: 'udp4' | 'udp6', host: string, port: number) {
    this.#socket = createSocket(type);
    this.#host = host;
    this.#port = port;
    // Each send answers for itself; without a listener a failure to bind would also end the process.
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
