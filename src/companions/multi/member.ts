/**
 * A broker of `ringmq multi` with the addresses by which this program reaches it.
 *
 * Thread: main.
 */

import { joinHostPort } from '../../daemon/host-port.ts';
import { type BrokerPlan, hostAddress } from './broker-plan.ts';
import type { Supervised } from './supervised.ts';

const UNSPECIFIED_IPV4 = '0.0.0.0';
const LOOPBACK_IPV4 = '127.0.0.1';
const LOOPBACK_IPV6 = '::1';

export class Member {
  readonly plan: BrokerPlan;
  readonly process: Supervised;
  readonly #tcpHost: string;
  readonly #httpHost: string;

  constructor(
    plan: BrokerPlan,
    process: Supervised,
    { tcpAddress, httpAddress }: { readonly tcpAddress: string; readonly httpAddress: string },
  ) {
    this.plan = plan;
    this.process = process;
    this.#tcpHost = reachableHost(tcpAddress);
    this.#httpHost = reachableHost(httpAddress);
  }

  get name(): string {
    return this.plan.name;
  }

  /** Its own port for clients; null while it does not serve. */
  get tcpAddress(): string | null {
    const { serving } = this.process;
    return serving === null ? null : joinHostPort(this.#tcpHost, serving.tcpPort);
  }

  /** Its own port for HTTP; null while it does not serve. */
  get httpAddress(): string | null {
    const { serving } = this.process;
    return serving === null ? null : joinHostPort(this.#httpHost, serving.httpPort);
  }
}

/** A host of this machine for an address on which a program listens. */
export function reachableHost(address: string): string {
  const host = hostAddress(address)?.host ?? '';
  if (host === '' || host === UNSPECIFIED_IPV4) return LOOPBACK_IPV4;
  return /^[0:]+$/.test(host) ? LOOPBACK_IPV6 : host;
}
