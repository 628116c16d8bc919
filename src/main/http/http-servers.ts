/**
 * The broker's two HTTP servers: one for plain HTTP, one for HTTPS, which listens only with a certificate.
 *
 * Thread: main. Source: nsqd `New`, `Main`.
 */

import { HttpServer, type HttpServerSetup } from '../../daemon/http/http-server.ts';
import type { Options } from '../options/options.ts';
import type { HttpApi } from './http-api.ts';

/** Makes both. Where TLS is required the plain one refuses, and says on which port TLS is to be had. */
export function httpServers(
  api: HttpApi,
  { tlsRequired }: Pick<Options, 'tlsRequired'>,
  httpsPort: () => number,
  setup: Omit<HttpServerSetup, 'handle'>,
): [http: HttpServer, https: HttpServer] {
  const http = new HttpServer({
    ...setup,
    handle: (request) => {
      if (tlsRequired === true) api.refuseWithoutTls(request, httpsPort());
      else api.handle(request);
    },
    tls: null,
  });
  const https = new HttpServer({ ...setup, handle: (request) => api.handle(request) });
  return [http, https];
}
