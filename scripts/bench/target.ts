/** A server under load, for one run: started for it, or one that runs anyway. */

import { cpuUsOf, peakMibOf, residentMibOf, type ThreadTime, threadsOf } from './proc.ts';
import type { ServerProcess } from './server-process.ts';
import type { Address } from './wire/address.ts';

/** Which of the servers of a run it is. */
export type Role = 'server' | 'against' | 'null sink' | `broker ${number}` | 'all brokers';

export class Target {
  readonly role: Role;
  readonly address: Address;
  readonly httpAddress: Address;
  /** Undefined when it is not on this machine, or may not be looked at. */
  readonly pid: number | undefined;
  /** Null when it was not started for this run. */
  readonly process: ServerProcess | null;

  readonly #close: () => Promise<void>;
  /** The largest memory that was seen, of a server that may have had more before. */
  #seenMib: number | undefined;

  /** `close` ends what was started for it. */
  constructor(
    parts: Pick<Target, 'role' | 'address' | 'httpAddress' | 'pid' | 'process'>,
    close: () => Promise<void>,
  ) {
    this.role = parts.role;
    this.address = parts.address;
    this.httpAddress = parts.httpAddress;
    this.pid = parts.pid;
    this.process = parts.process;
    this.#close = close;
  }

  /** CPU time so far. Units: µs. */
  cpuUs(): number | undefined {
    return this.pid === undefined ? undefined : cpuUsOf(this.pid);
  }

  /** Its threads, each with its CPU time so far. */
  threads(): readonly ThreadTime[] | undefined {
    return this.pid === undefined ? undefined : threadsOf(this.pid);
  }

  /** Resident size. Units: MiB. */
  residentMib(): number | undefined {
    const mib = this.pid === undefined ? undefined : residentMibOf(this.pid);
    if (mib !== undefined) this.#seenMib = Math.max(mib, this.#seenMib ?? 0);
    return mib;
  }

  /** The largest resident size: of its life when it was started for this run, else of the looks at it. Units: MiB. */
  peakMib(): number | undefined {
    if (this.process !== null) return peakMibOf(this.process.pid);
    this.residentMib();
    return this.#seenMib;
  }

  /** Ends what was started. */
  close(): Promise<void> {
    return this.#close();
  }
}
