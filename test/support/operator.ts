/**
 * Runs operator commands against a broker with prepared answers.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { CommandContext, Companion } from '../../src/companions/companion.ts';

/** A request that the broker received. */
type Asked = {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
};

/** A broker that records its requests. */
type AnsweringBroker = { readonly address: string; readonly asked: Asked[] };

/** A broker that always gives the same answer. */
export async function uniformBroker(
  t: TestContext,
  status: number,
  answer: string,
): Promise<AnsweringBroker> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { method = '', url = '', headers } = request;
    asked.push({ method, path: url, body: Buffer.concat(pieces).toString(), headers });
    response.writeHead(status).end(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** The output of a command, and its exit code. */
type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a command without a terminal, unless `around` provides one. */
export async function runWords(
  companion: Companion,
  words: readonly string[],
  around: Partial<CommandContext> = {},
): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const code = await companion(words, {
    env: {},
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    output: async (bytes) => {
      stdout += Buffer.from(bytes).toString();
    },
    input: () => Readable.from([]),
    readInput: async () => Buffer.alloc(0),
    ask: null,
    screen: null,
    wait: async () => undefined,
    hasErrorScreen: false,
    interrupted: () => new Promise(() => undefined),
    ...around,
  });
  return { code, stdout, stderr };
}
