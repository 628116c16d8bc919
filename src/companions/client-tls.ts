/**
 * TLS of programs that make https requests, from the files that their `--http-client-tls-*` flags name.
 *
 * Thread: main. Source: nsqadmin `New`.
 */

import type { HttpClientTls } from '../daemon/http-client.ts';
import { systemErrorText } from '../daemon/system-error.ts';
import { readGivenFile } from '../shared/given-file.ts';

/** Values of the flags. Shape: names of files; empty ones are not given. */
type ClientTlsFlags = {
  readonly httpClientTlsCert: string;
  readonly httpClientTlsKey: string;
  readonly httpClientTlsRootCaFile: string;
  readonly httpClientTlsInsecureSkipVerify: boolean;
};

/** What is wrong with these flags, if anything. */
export function clientTlsMistake(flags: ClientTlsFlags): string | undefined {
  const { httpClientTlsCert: cert, httpClientTlsKey: key } = flags;
  if (cert !== '' && key === '') {
    return '--http-client-tls-key must be specified with --http-client-tls-cert';
  }
  if (key !== '' && cert === '') {
    return '--http-client-tls-cert must be specified with --http-client-tls-key';
  }
  return undefined;
}

/**
 * The key stays in a buffer: as a string it would be in snapshots of the heap. Errors: rejects with the file that
 * cannot be read.
 */
export async function clientTls(flags: ClientTlsFlags): Promise<HttpClientTls> {
  const {
    httpClientTlsCert: cert,
    httpClientTlsKey: key,
    httpClientTlsRootCaFile: ca,
    httpClientTlsInsecureSkipVerify: isUnchecked,
  } = flags;
  return {
    ...(cert !== '' && { cert: (await readPem('http-client-tls-cert', cert)).toString('latin1') }),
    ...(key !== '' && { key: await readPem('http-client-tls-key', key) }),
    ...(ca !== '' && {
      ca: (await readPem('http-client-tls-root-ca-file', ca)).toString('latin1'),
    }),
    ...(isUnchecked && { rejectUnauthorized: false }),
  };
}

async function readPem(flag: string, file: string): Promise<Buffer> {
  try {
    return await readGivenFile(file);
  } catch (cause) {
    throw new Error(`--${flag} "${file}": ${systemErrorText(cause)}`, { cause });
  }
}
