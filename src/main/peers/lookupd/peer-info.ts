/**
 * The data that the broker and an nsqlookupd exchange about themselves: IDENTIFY and its reply.
 *
 * Thread: any (pure). Source: nsqd `connectCallback`.
 */

import { parseGoFields } from '../../../daemon/go/go-fields.ts';
import { goJson } from '../../../daemon/go/go-text.ts';
import { NSQD_VERSION } from '../../../daemon/version.ts';
import { writeUint32 } from '../../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../../shared/limits.ts';
import type { Options } from '../../options/options.ts';

/** How peers reach this broker. */
export type BrokerIdentity = {
  readonly broadcastAddress: string;
  readonly hostname: string;
  /** 0 without HTTP, which an nsqlookupd does not accept. */
  readonly httpPort: number;
  readonly tcpPort: number;
  readonly topologyRegion: string;
  readonly topologyZone: string;
};

/** The identity of a broker with these options and ports. */
export function brokerIdentity(
  options: Pick<Options, 'broadcastAddress' | 'topologyRegion' | 'topologyZone'>,
  hostname: string,
  tcpPort: number,
  httpPort: number,
): BrokerIdentity {
  const { broadcastAddress, topologyRegion, topologyZone } = options;
  return { broadcastAddress, hostname, httpPort, tcpPort, topologyRegion, topologyZone };
}

/** An nsqlookupd's data about itself. */
export type PeerInfo = {
  readonly tcpPort: number;
  readonly httpPort: number;
  readonly version: string;
  /** Empty if missing. */
  readonly broadcastAddress: string;
};

const MAGIC = Buffer.from('  V1');
const IDENTIFY = Buffer.from('IDENTIFY\n');
const FIELDS = {
  tcp_port: 'int',
  http_port: 'int',
  version: 'string',
  broadcast_address: 'string',
} as const;

/** The first bytes of a connection. Shape: `  V1IDENTIFY\n` size(4) JSON, its keys sorted. */
export function helloBytes(identity: BrokerIdentity): Buffer {
  const body = Buffer.from(
    goJson({
      broadcast_address: identity.broadcastAddress,
      hostname: identity.hostname,
      http_port: identity.httpPort,
      tcp_port: identity.tcpPort,
      topology_region: identity.topologyRegion,
      topology_zone: identity.topologyZone,
      version: NSQD_VERSION,
    }),
  );
  const size = Buffer.alloc(SIZE_BYTES);
  writeUint32(body.length, size, 0);
  return Buffer.concat([MAGIC, IDENTIFY, size, body]);
}

/** The reply to IDENTIFY; undefined for anything else. */
export function parsePeerInfo(reply: Buffer): PeerInfo | undefined {
  const fields = parseGoFields(reply, FIELDS);
  if (fields === undefined) return undefined;
  return {
    tcpPort: fields.tcp_port,
    httpPort: fields.http_port,
    version: fields.version,
    broadcastAddress: fields.broadcast_address,
  };
}

/** In nsqd's log format. */
export function peerInfoText(info: PeerInfo): string {
  const { tcpPort, httpPort, version, broadcastAddress } = info;
  return `{TCPPort:${tcpPort} HTTPPort:${httpPort} Version:${version} BroadcastAddress:${broadcastAddress}}`;
}
