/**
 * TLS settings for connections to peers, where the broker is the client.
 *
 * Thread: main. Source: nsqd `New`.
 */

import { readGivenFile } from '../../shared/given-file.ts';
import type { HttpClientTls } from '../http-client.ts';
import { systemErrorText } from '../system-error.ts';
import { SECURE_VERSIONS, type TlsContextOptions } from './tls-context.ts';

/** Errors: rejects if the CA file cannot be read. */
export async function peerTlsOptions(
  options: Pick<TlsContextOptions, 'tlsRootCaFile' | 'tlsMinVersion'>,
): Promise<HttpClientTls> {
  const minVersion = SECURE_VERSIONS[options.tlsMinVersion];
  if (options.tlsRootCaFile === '') return { minVersion };
  try {
    return { ca: (await readGivenFile(options.tlsRootCaFile)).toString('latin1'), minVersion };
  } catch (cause) {
    const reason = systemErrorText(cause);
    throw new Error(`--tls-root-ca-file "${options.tlsRootCaFile}": ${reason}`, { cause });
  }
}
