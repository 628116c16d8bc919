/**
 * Puts the layers that IDENTIFY has granted on a client's transport: TLS first, then compression, each answered `OK`
 * through itself.
 *
 * Thread: main. Source: nsqd `protocolV2.IDENTIFY`.
 */

import type { TlsFailure } from '../../daemon/tls/tls-failure.ts';
import { ClientError } from '../../protocol/client-error.ts';
import { deflateCodec, snappyCodec } from '../../protocol/compression/codecs.ts';
import { errorFrame } from '../../protocol/frames.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Client } from './client.ts';
import type { Layers } from './client-port.ts';
import type { ClientTransport } from './client-transport.ts';

/** The connection that the layers are put on. */
export type UpgradedConnection = {
  readonly transport: Pick<ClientTransport, 'secure' | 'compress'>;
  /** Receives the layers that it got. */
  readonly client: Pick<Client, 'tls' | 'compression'>;
  readonly clock: Pick<Clock, 'after'>;
  /** What was read after the last plain command. */
  readonly firstBytes: Buffer;
  /** Answers `OK` through a new layer before another is added. */
  readonly sendOk: () => void;
};

/** Errors: rejects when the TLS handshake fails; the client has been told, and the connection closes. */
export async function putOnLayers(layers: Layers, connection: UpgradedConnection): Promise<void> {
  const { transport, client, clock, firstBytes, sendOk } = connection;
  if (layers.tls !== null) {
    client.tls = await transport.secure({
      context: layers.tls,
      clock,
      handshakeErrorFrame,
      firstBytes,
    });
    sendOk();
  }
  const { compression } = layers;
  if (compression === null) return;
  transport.compress(
    compression.kind === 'snappy' ? snappyCodec() : deflateCodec(compression.level),
  );
  client.compression = compression;
  sendOk();
}

/** The error that a client gets when its TLS handshake fails: plain, because no layer exists. */
function handshakeErrorFrame(failure: TlsFailure): Buffer {
  return errorFrame(
    new ClientError('E_IDENTIFY_FAILED', `IDENTIFY failed ${failure.message}`).data,
  );
}
