/**
 * What connects a server program with the program that has started it and restarts it, such as `ringmq multi`: it
 * tells its ports when it serves, and learns when the other one has gone.
 *
 * The environment variable says that there is such a program: a channel to the parent alone may have another purpose.
 *
 * Thread: main.
 */

/** Set to `1` by the supervisor. */
export const SUPERVISED_VARIABLE = 'RINGMQ_SUPERVISED';

/** What a server tells when it serves. Shape: -1 for a unix socket, 0 where it does not listen. */
export type Serving = { readonly tcpPort: number; readonly httpPort: number };

/** The parts of a process that are used. */
export interface LinkedProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  send?(message: Serving): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

export class SupervisorLink {
  /** Resolves when the supervisor is gone; never without one. */
  readonly lost: Promise<void>;
  readonly #process: LinkedProcess | null;

  constructor(linked: LinkedProcess = process) {
    const isSupervised = linked.env[SUPERVISED_VARIABLE] === '1' && linked.send !== undefined;
    this.#process = isSupervised ? linked : null;
    this.lost = new Promise((resolve) => {
      this.#process?.once('disconnect', resolve);
    });
  }

  /** The program serves on these ports. */
  serving({ tcpPort, httpPort }: Serving): void {
    this.#process?.send?.({ tcpPort, httpPort });
  }
}
