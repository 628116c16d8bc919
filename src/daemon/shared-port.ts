/**
 * A port on which several programs of this machine listen together: the system divides new connections among the
 * running ones (`SO_REUSEPORT`). Its connections are served like those of the program's own port.
 *
 * If the system cannot divide connections, as on macOS and Windows, listening fails.
 *
 * Thread: main.
 */

import { createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import { assert } from '../shared/assert.ts';
import { joinHostPort } from './host-port.ts';
import { listen, parseListenAddress } from './listen-address.ts';
import { listenFailureText } from './listen-failure.ts';
import type { Logger } from './log.ts';
import { InvalidValue } from './options/invalid-value.ts';

/** Connections that the system queues before they are accepted. */
const BACKLOG = 1024;

/** Where to listen. Shape: `address` is that of the option `--<kind>-address`, of which only the host is used. */
export type SharedPlace = {
  readonly kind: 'TCP' | 'HTTP' | 'HTTPS';
  readonly address: string;
  readonly port: number;
};

export class SharedPort {
  readonly #server: Server;
  readonly #onFailure: (error: Error) => void;

  /** `options`: those of the program's own server. `onFailure`: a connection could not be accepted. */
  constructor(
    options: ServerOpts,
    onConnection: (socket: Socket) => void,
    onFailure: (error: Error) => void,
  ) {
    this.#server = createServer(options, onConnection);
    this.#onFailure = onFailure;
  }

  /** Listens, and logs it. Errors: rejects with the address, the option and the reason. */
  async listen(logger: Pick<Logger, 'info'>, { kind, address, port }: SharedPlace): Promise<void> {
    const own = parseListenAddress(address);
    assert(!(own instanceof InvalidValue) && 'host' in own, 'the options were checked together');
    const place = { host: own.host, port };
    try {
      const { text } = await listen(this.#server, place, { backlog: BACKLOG, reusePort: true });
      logger.info(`${kind}: sharing ${text}`);
    } catch (cause) {
      const reason = listenFailureText(place, cause);
      const option = `--shared-${kind.toLowerCase()}-port`;
      throw new Error(
        `listen (${joinHostPort(own.host, port)}) failed - ${reason}; it is the port of ${option}`,
        { cause },
      );
    }
    this.#server.on('error', this.#onFailure);
  }

  /** Accepts no more connections. */
  close(): void {
    this.#server.close();
  }
}
