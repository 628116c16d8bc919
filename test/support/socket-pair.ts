/** The two ends of a real connection. */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { shareReads } from '../../src/daemon/shared-reads.ts';

/** Connects a client to a server in the way of the broker's TCP port; both ends are destroyed when the test ends. */
export async function socketPair(t: TestContext): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true });
  const accepted = once(listener, 'connection');
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const client = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
  const [[server]] = await Promise.all([accepted, once(client, 'connect')]);
  shareReads(server);
  listener.close();
  t.after(() => {
    client.destroy();
    server.destroy();
  });
  return { client, server };
}
