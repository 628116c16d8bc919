/**
 * Upgrades a client's plain connection to TLS.
 *
 * Thread: main. Source: nsqd `clientV2.UpgradeTLS`.
 */

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../shared/clock.ts';
import type { TlsContext } from './tls-context.ts';
import { TlsFailure } from './tls-failure.ts';

/** The parameters of an upgrade. */
export type TlsUpgrade = {
  readonly context: Pick<TlsContext, 'handshake'>;
  readonly clock: Pick<Clock, 'after'>;
  /** The input that was read after the last plain command. */
  readonly firstBytes: Buffer;
  /** The error frame to send, in plain text, when the handshake fails. */
  readonly handshakeErrorFrame: (failure: TlsFailure) => Buffer;
};

/** Time limit of the handshake. */
const HANDSHAKE_TIMEOUT_MS = 5000;

/**
 * Performs the handshake as the server. The socket must be paused and have no other listeners.
 *
 * Errors: rejects with a `TlsFailure`; the error frame has then been sent if possible, and the socket closes.
 */
export function upgradeToTls(socket: Socket, upgrade: TlsUpgrade): Promise<TLSSocket> {
  const { context, clock, firstBytes, handshakeErrorFrame } = upgrade;
  return new Promise((resolve, reject) => {
    let isOver = false;
    const end = (outcome: TLSSocket | TlsFailure): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      if (!(outcome instanceof TlsFailure)) {
        // An error may follow in the same turn, before the caller can listen for it.
        outcome.on('error', () => outcome.destroy());
        resolve(outcome);
        return;
      }
      // At most an alert has been sent, so the frame does not end up inside encrypted data.
      if (!socket.destroyed) socket.write(handshakeErrorFrame(outcome));
      socket.destroySoon();
      reject(outcome);
    };
    const timer = clock.after(HANDSHAKE_TIMEOUT_MS, () => {
      end(new TlsFailure('tls: handshake timed out'));
    });
    // The socket still emits errors here as well as through TLS. TLS reports its close, with the reason.
    socket.on('error', (cause) => end(new TlsFailure(`tls: ${cause.message}`, { cause })));
    if (socket.destroyed || socket.readableEnded) {
      end(new TlsFailure('tls: connection closed before the handshake'));
      return;
    }
    if (firstBytes.length > 0) socket.unshift(firstBytes);
    context.handshake(socket, end);
  });
}
