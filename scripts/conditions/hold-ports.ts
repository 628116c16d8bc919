// Listens on a range of TCP ports while a command runs, and exits as the command does: `node hold-ports.ts FIRST LAST
// COMMAND [word ...]`. A port that another process uses is occupied as well.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const [first = '', last = '', program = '', ...words] = process.argv.slice(2);

for (let port = Number(first); port <= Number(last); port += 1) {
  const server = createServer((socket) => socket.destroy());
  server.listen(port);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
  }
  server.unref();
}
const [status, signal] = await once(spawn(program, words, { stdio: 'inherit' }), 'exit');
if (signal !== null) console.error(`${program} ended with ${signal}`);
process.exit(status ?? 1);
