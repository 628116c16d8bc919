/**
 * A server that discards its input, and answers `OK` for every fixed number of bytes, or for every HTTP request: the
 * ceiling of a Node server on this machine. `node scripts/bench/null-sink.ts PORT COMMAND_BYTES`, or `PORT http`.
 */

import http from 'node:http';
import net from 'node:net';

const MAGIC_BYTES = 4;
const OK_FRAME = Buffer.from('00000006000000004f4b', 'hex');
const OK = Buffer.from('OK');
const [port, what] = process.argv.slice(2);
const sink = what === 'http' ? httpSink() : tcpSink(Number(what));

sink.listen(Number(port), '127.0.0.1');

function tcpSink(commandBytes: number): net.Server {
  return net.createServer({ noDelay: true }, (socket) => {
    let pending = -MAGIC_BYTES;
    socket.on('data', (chunk) => {
      pending += chunk.length;
      const count = Math.floor(pending / commandBytes);
      if (count <= 0) return;
      pending -= count * commandBytes;
      socket.write(
        count === 1 ? OK_FRAME : Buffer.concat(Array.from({ length: count }, () => OK_FRAME)),
      );
    });
    socket.on('error', () => socket.destroy());
  });
}

/** A bare HTTP server that discards its input and answers `OK`. */
function httpSink(): http.Server {
  return http.createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': OK.length });
      response.end(OK);
    });
  });
}
