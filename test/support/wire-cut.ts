/** A connection to a broker that can be cut, and made silent. */

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export class WireCut {
  port = 0;
  /** Whether bytes are lost, while both ends believe in the connection. */
  isSilent = false;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  /** `target`: the port for new connections. */
  static async to(t: TestContext, target: () => number): Promise<WireCut> {
    const wire = new WireCut(target);
    await once(wire.#server.listen(0, '127.0.0.1'), 'listening');
    const address = wire.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the wire has no port');
    wire.port = address.port;
    t.after(() => {
      wire.#server.close();
      wire.cut();
    });
    return wire;
  }

  private constructor(target: () => number) {
    this.#server = createServer((near) => {
      const far = connect({ port: target(), host: '127.0.0.1', noDelay: true });
      this.#pipe(near, far);
      this.#pipe(far, near);
    });
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #pipe(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    // the end follows, and is passed on
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on('data', (chunk: Buffer) => {
      if (!this.isSilent) to.write(chunk);
    });
  }
}
