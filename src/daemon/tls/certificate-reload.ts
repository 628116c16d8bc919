/**
 * Reads certificate and key again while the program runs.
 *
 * Thread: main.
 */

import { errorText } from '../../shared/error-text.ts';
import type { Guard } from '../guard.ts';
import type { Logger } from '../log.ts';
import type { TlsContext } from './tls-context.ts';

/** Reloads them for new connections, where there are any. Bad ones are logged, and the old ones stay in use. */
export async function reloadCertificate(
  tls: Pick<TlsContext, 'reload'> | null,
  guard: Pick<Guard, 'noteUnforeseen'>,
  logger: Pick<Logger, 'info' | 'error'>,
): Promise<void> {
  if (tls === null) return;
  try {
    await tls.reload();
    logger.info('TLS: certificate reloaded');
  } catch (error) {
    guard.noteUnforeseen('the new certificate', error);
    logger.error(`TLS: the old certificate stays in use - ${errorText(error)}`);
  }
}
