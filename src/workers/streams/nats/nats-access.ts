/**
 * How to reach the servers of NATS, and how to prove who the broker is.
 *
 * Thread: stream.
 */

import { credsAuthenticator, type NodeConnectionOptions } from '@nats-io/transport-node';
import { errorText } from '../../../shared/error-text.ts';
import { readGivenFile } from '../../../shared/given-file.ts';
import type { StreamSettings } from '../../../shared/thread-tasks.ts';

/** The part of the settings that names servers and files. */
export type NatsAccess = Omit<StreamSettings, 'prefix'>;

/**
 * What the client needs for the next connection. The client reads the files of certificates again whenever it has lost
 * a connection; here they are only tried, since it would wait for a named pipe and read a device without end.
 *
 * Errors: rejects if a file cannot be read; the text names its option.
 */
export async function natsAccess(settings: NatsAccess): Promise<NodeConnectionOptions> {
  const { servers, credentialsFile, tlsCaFile, tlsCertFile, tlsKeyFile } = settings;
  const credentials = await readNamed('nats-credentials', credentialsFile);
  await readNamed('nats-tls-ca', tlsCaFile);
  await readNamed('nats-tls-cert', tlsCertFile);
  (await readNamed('nats-tls-key', tlsKeyFile))?.fill(0);
  const tls = {
    ...(tlsCaFile === '' ? {} : { caFile: tlsCaFile }),
    ...(tlsCertFile === '' ? {} : { certFile: tlsCertFile, keyFile: tlsKeyFile }),
  };
  return {
    servers: [...servers],
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

/** The content of the file that an option names, undefined if it names none. */
async function readNamed(option: string, file: string): Promise<Buffer | undefined> {
  if (file === '') return undefined;
  try {
    return await readGivenFile(file);
  } catch (cause) {
    throw new Error(`--${option} "${file}": ${errorText(cause)}`, { cause });
  }
}
