/**
 * A producer: a broker that has identified itself on a connection of its own.
 *
 * Thread: main. Source: nsqlookupd's `PeerInfo`.
 */

import { goJson } from '../../daemon/go/go-text.ts';
import type { Clock } from '../../shared/clock.ts';

/** What a broker says about itself, and the address of its connection. */
export type ProducerInfo = {
  readonly remoteAddress: string;
  readonly hostname: string;
  readonly broadcastAddress: string;
  readonly tcpPort: number;
  readonly httpPort: number;
  readonly version: string;
  readonly topologyZone: string;
  readonly topologyRegion: string;
};

export class Producer {
  /** A free number is used again. */
  readonly number: number;
  readonly info: ProducerInfo;
  /** Its members of a JSON object, as `/lookup` and `/nodes` show them. */
  readonly json: string;
  /** The topics and channels that it has registered. */
  registrationCount = 0;
  /** Units: ms, monotonic. */
  lastUpdateMs = 0;
  /** Units: ns since 1970. */
  lastUpdateNs = 0n;

  constructor(number: number, info: ProducerInfo, clock: Clock) {
    this.number = number;
    this.info = info;
    const { remoteAddress, hostname, broadcastAddress, tcpPort, httpPort, version } = info;
    const json = goJson({
      remote_address: remoteAddress,
      hostname,
      broadcast_address: broadcastAddress,
      tcp_port: tcpPort,
      http_port: httpPort,
      version,
      ...topologyOf(info),
    });
    this.json = json.slice(1, -1);
    this.touch(clock);
  }

  /** The name that operators use to tombstone it. Shape: as nsqlookupd's; an IPv6 address has no brackets. */
  get node(): string {
    return `${this.info.broadcastAddress}:${this.info.httpPort}`;
  }

  /** Records a sign of life. */
  touch(clock: Clock): void {
    this.lastUpdateMs = clock.monotonicMs();
    this.lastUpdateNs = clock.unixNs();
  }
}

/** nsqlookupd 1.3 knows neither; they are shown only if the broker has them. */
export function topologyOf({ topologyZone, topologyRegion }: ProducerInfo): object {
  return {
    topology_zone: topologyZone === '' ? undefined : topologyZone,
    topology_region: topologyRegion === '' ? undefined : topologyRegion,
  };
}
