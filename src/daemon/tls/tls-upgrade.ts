/**
 * Turns a client's plain connection into one through TLS.
 *
 * Thread: main. Source: nsqd `clientV2.UpgradeTLS`.
 */

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../shared/clock.ts';
import type { TlsContext } from './tls-context.ts';
import { TlsFailure } from './tls-failure.ts';

/** How a connection is upgraded. */
export type TlsUpgrade = {
  readonly context: Pick<TlsContext, 'handshake'>;
  readonly clock: Pick<Clock, 'after'>;
  /** What was read from the socket after the last plain command. */
  readonly firstBytes: Buffer;
  /** What a client is sent, plain, when the handshake fails. */
  readonly handshakeErrorFrame: (failure: TlsFailure) => Buffer;
};

/** From the end of the plain conversation to the end of the handshake. */
const HANDSHAKE_TIMEOUT_MS = 5000;

/**
 * Makes the handshake, as the server. The socket must be paused, and nobody but the upgrade may listen to it.
 *
 * Errors: rejects with a `TlsFailure`; the client has then been sent the error frame as far as that is possible, and
 * the socket closes by itself.
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
        // An error may follow in the same turn, before anybody has had the socket to listen to it.
        outcome.on('error', () => outcome.destroy());
        resolve(outcome);
        return;
      }
      // Nothing but perhaps an alert has gone out, so that what is written here is not inside of anything.
      if (!socket.destroyed) socket.write(handshakeErrorFrame(outcome));
      socket.destroySoon();
      reject(outcome);
    };
    const timer = clock.after(HANDSHAKE_TIMEOUT_MS, () => {
      end(new TlsFailure('tls: handshake timed out'));
    });
    // The socket goes on to report its errors here as well as through TLS. That it closes, TLS reports with the reason.
    socket.on('error', (cause) => end(new TlsFailure(`tls: ${cause.message}`, { cause })));
    if (socket.destroyed || socket.readableEnded) {
      end(new TlsFailure('tls: connection closed before the handshake'));
      return;
    }
    if (firstBytes.length > 0) socket.unshift(firstBytes);
    context.handshake(socket, end);
  });
}
