/**
 * Reads certificate and key again while the program runs.
 *
 * Thread: main.
 */

import { errorText } from '../../shared/error-text.ts';
import type { Guard } from '../guard.ts';
import type { TlsContext } from './tls-context.ts';

/**
 * Reads them again, for new connections. Errors: resolves with the reason why the new ones cannot be used; the old ones
 * stay.
 */
export async function certificateFault(
  tls: Pick<TlsContext, 'reload'>,
  guard: Pick<Guard, 'noteUnforeseen'>,
): Promise<string | undefined> {
  try {
    await tls.reload();
    return undefined;
  } catch (error) {
    guard.noteUnforeseen('the new certificate', error);
    return errorText(error);
  }
}
