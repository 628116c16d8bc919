/**
 * A bare HTTP server that reads, throws away and answers `OK`.
 */

import http from 'node:http';

const OK = Buffer.from('OK');

/** Makes it; it listens nowhere yet. */
export function httpSink(): http.Server {
  return http.createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': OK.length });
      response.end(OK);
    });
  });
}
