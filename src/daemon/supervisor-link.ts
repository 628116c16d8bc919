/**
 * Connects a server program with its supervisor, such as `ringmq multi`: the program reports its ports when it is
 * ready, and notices when the supervisor ends.
 *
 * An environment variable shows that there is a supervisor, because a channel to the parent may have another purpose.
 *
 * Thread: main.
 */

/** Set to `1` by the supervisor. */
export const SUPERVISED_VARIABLE = 'RINGMQ_SUPERVISED';

/** The report of a server that is ready. Shape: -1 for a unix socket, 0 if it does not listen. */
export type Serving = { readonly tcpPort: number; readonly httpPort: number };

/** The parts of a process that are used. */
export interface LinkedProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  send?(message: Serving): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

export class SupervisorLink {
  /** Resolves when the supervisor has ended; never without one. */
  readonly lost: Promise<void>;
  readonly #process: LinkedProcess | null;

  constructor(linked: LinkedProcess = process) {
    const isSupervised = linked.env[SUPERVISED_VARIABLE] === '1' && linked.send !== undefined;
    this.#process = isSupervised ? linked : null;
    this.lost = new Promise((resolve) => {
      this.#process?.once('disconnect', resolve);
    });
  }

  /** The program is ready on these ports. */
  serving({ tcpPort, httpPort }: Serving): void {
    this.#process?.send?.({ tcpPort, httpPort });
  }
}
