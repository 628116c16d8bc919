/**
 * The files that define who is trusted: certificate, authorities of peers, and clients. They are read at the start, and
 * again while the broker runs.
 *
 * Thread: main.
 */

import type { Guard } from '../daemon/guard.ts';
import type { HttpClientTls } from '../daemon/http-client.ts';
import { InvalidValue } from '../daemon/options/invalid-value.ts';
import { certificateFault } from '../daemon/tls/certificate-reload.ts';
import { peerTlsOptions } from '../daemon/tls/peer-tls.ts';
import { TlsContext } from '../daemon/tls/tls-context.ts';
import type { Clock } from '../shared/clock.ts';
import { Access } from './access/access.ts';
import type { Options } from './options/options.ts';
import type { ReloadableFile } from './reload.ts';

export class SecurityFiles {
  /** Null without a certificate. */
  readonly tls: TlsContext | null;
  readonly peerTls: HttpClientTls;
  /** Null without an access file. */
  readonly access: Access | null;

  /** Errors: rejects if a file cannot be used. */
  static async load(options: Options, clock: Clock): Promise<SecurityFiles> {
    const tls = options.tlsCert === '' ? null : await TlsContext.load(options);
    const peerTls = await peerTlsOptions(options);
    const { httpAccess } = options;
    const access = httpAccess === '' ? null : await Access.load(httpAccess, clock);
    if (access instanceof InvalidValue) throw new Error(access.why);
    return new SecurityFiles(tls, peerTls, access);
  }

  private constructor(tls: TlsContext | null, peerTls: HttpClientTls, access: Access | null) {
    this.tls = tls;
    this.peerTls = peerTls;
    this.access = access;
  }

  /** What can be read again; bad files change nothing. */
  reloadable(guard: Guard): ReloadableFile[] {
    const { tls, access } = this;
    return [
      ...(tls === null
        ? []
        : [{ what: 'certificate', subject: 'TLS: ', read: () => certificateFault(tls, guard) }]),
      ...(access === null
        ? []
        : [{ what: 'access file', subject: '', read: async () => (await access.reload())?.why }]),
    ];
  }
}
