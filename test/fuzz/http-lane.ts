/**
 * Compares the fast lane for HTTP publishes, and what it leaves to Node's HTTP server, with Node's server alone: the
 * same bytes give the same answers and the same publishes.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { randomChunks, singleBytes } from '../support/chunks.ts';
import { type FakeBroker, type RunningApi, startApi } from '../support/http-api.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';
import { nextConnection } from './http-requests.ts';

/** Both have a date of their own. */
const DATE = /^Date: .*\r\n/gm;
const ANSWER = /(?=HTTP\/1\.[01] \d{3} )/;
const REFUSED = /^HTTP\/1\.[01] [45]/;
/** More bytes come one by one too slowly. */
const SINGLE_BYTES_MAX = 2000;
const OPTIONS = { maxMsgSize: 1000, maxBodySize: 80_000 };

type Outcome = { readonly answers: readonly string[]; readonly calls: readonly string[] };

/** Registers what is to be done at the end. */
type Site = { readonly after: (cleanUp: () => unknown) => void };

/**
 * Compares one connection after the other, until `isEnough` of them. Errors: rejects with the first difference, named
 * by seed and round, with the bytes in base64.
 */
export async function fuzzHttpLane(
  site: Site,
  seed: number,
  isEnough: (rounds: number) => boolean,
): Promise<number> {
  const random = seededRandom(seed);
  const lane = await startApi(site, OPTIONS);
  const plain = await startApi(site, OPTIONS, { hasLane: false });
  let rounds = 0;
  while (!isEnough(rounds)) {
    const bytes = nextConnection(random);
    const parts = nextParts(bytes, random);
    const isReady = random(2) === 0;
    const outcomes: Outcome[] = [];
    for (const api of [plain, lane]) outcomes.push(await play(api, parts, isReady));
    if (!areAlike(outcomes[0], outcomes[1])) {
      throw new Error(
        `http lane, seed ${seed}, round ${rounds}, ${parts.length} parts: ${bytes.toString('base64').slice(0, 4000)}\n` +
          `${JSON.stringify(outcomes[0]).slice(0, 3000)}\n${JSON.stringify(outcomes[1]).slice(0, 3000)}`,
      );
    }
    rounds++;
  }
  return rounds;
}

/** Sends the parts, ends, and waits for the end of the answers. */
async function play(
  { port, broker }: RunningApi,
  parts: readonly Buffer[],
  isReady: boolean,
): Promise<Outcome> {
  begin(broker, isReady);
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  // A connection that is reset has had its answers.
  socket.on('error', () => undefined);
  const answers = buffer(socket).catch(() => Buffer.alloc(0));
  for (const part of parts) {
    if (socket.destroyed) break;
    await new Promise((resolve) => socket.write(part, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  const text = (await answers).toString('latin1').replaceAll(DATE, '');
  socket.destroy();
  return { answers: text.split(ANSWER), calls: [...broker.calls] };
}

/**
 * Whether the outcomes are the same. A last request that is refused before its body is read, and whose body is broken
 * as well, may be refused for either reason, and may have made a topic: that depends on what was come upon first.
 */
function areAlike(a: Outcome, b: Outcome): boolean {
  if (isDeepStrictEqual(a, b)) return true;
  if (!isDeepStrictEqual(publishes(a), publishes(b))) return false;
  if (a.answers.length !== b.answers.length) return false;
  const isSameBefore = isDeepStrictEqual(a.answers.slice(0, -1), b.answers.slice(0, -1));
  return isSameBefore && [a, b].every(({ answers }) => REFUSED.test(answers.at(-1) ?? ''));
}

function publishes({ calls }: Outcome): string[] {
  return calls.filter((call) => call.startsWith('publish '));
}

function begin(broker: FakeBroker, isReady: boolean): void {
  broker.calls.length = 0;
  broker.topics.clear();
  broker.topics.set('t', new Set());
  broker.isReady = isReady;
}

function nextParts(bytes: Buffer, random: Random): readonly Buffer[] {
  const way = random(3);
  if (way === 0) return [bytes];
  if (way === 1 && bytes.length <= SINGLE_BYTES_MAX) return singleBytes(bytes);
  return randomChunks(bytes, random, Math.max(64, bytes.length >> 3));
}
