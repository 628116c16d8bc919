/**
 * Adds the layers that IDENTIFY granted to a client's transport: TLS first, then compression, each confirmed with an
 * `OK` through it.
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

/** The connection that gets the layers. */
export type UpgradedConnection = {
  readonly transport: Pick<ClientTransport, 'secure' | 'compress'>;
  /** Records the layers. */
  readonly client: Pick<Client, 'tls' | 'compression'>;
  readonly clock: Pick<Clock, 'after'>;
  /** The input that was read after the last plain command. */
  readonly firstBytes: Buffer;
  /** Sends `OK` through a new layer before the next one is added. */
  readonly sendOk: () => void;
};

/** Errors: rejects if the TLS handshake fails; the client has been told, and the connection closes. */
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

/** The error for a client whose TLS handshake fails: in plain text, since no layer exists yet. */
function handshakeErrorFrame(failure: TlsFailure): Buffer {
  return errorFrame(
    new ClientError('E_IDENTIFY_FAILED', `IDENTIFY failed ${failure.message}`).data,
  );
}
