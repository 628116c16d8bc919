/**
 * Compares the fast lane for HTTP publishes, and what it leaves to Node's HTTP server, with Node's server alone: the
 * same bytes give the same answers and the same publishes.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { randomChunks, singleBytes } from '../support/chunks.ts';
import { type FakeBroker, type RunningApi, startApi } from '../support/http-api.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';
import { nextConnection } from './http-requests.ts';

/** Both have their own date. */
const DATE = /^Date: .*\r\n/gm;
const ANSWER = /(?=HTTP\/1\.[01] \d{3} )/;
/** The answer to a broken or incomplete body. */
const CONTINUE = /^HTTP\/1\.1 100 /;
const BROKEN = /^HTTP\/1\.[01] (?:400|500) .*\r\nConnection: close\r\n/s;
/** Sending more bytes one by one takes too long. */
const SINGLE_BYTES_MAX = 2000;
/** A connection whose answers have not ended by then waits for something that never comes. */
const HANGING_MS = 30_000;
const OPTIONS = { maxMsgSize: 1000, maxBodySize: 80_000 };

type Outcome = {
  readonly answers: readonly string[];
  readonly calls: readonly string[];
  /** The system may have dropped answers, because the client was still sending. */
  readonly isReset: boolean;
  /** The answers never ended. */
  readonly isHanging: boolean;
};

/** Registers clean-up steps. */
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
        `http lane, seed ${seed}, round ${rounds}, ${parts.length} parts: ${bytes.toString('base64').slice(0, 2000)}\n` +
          `${JSON.stringify(outcomes[0]).slice(0, 1500)}\n${JSON.stringify(outcomes[1]).slice(0, 1500)}`,
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
  let isReset = false;
  let isHanging = false;
  const limit = setTimeout(() => {
    isHanging = true;
    socket.destroy();
  }, HANGING_MS);
  socket.on('error', () => {
    isReset = true;
  });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  const ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  for (const part of parts) {
    if (socket.destroyed) break;
    await new Promise((resolve) => socket.write(part, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  await ended;
  clearTimeout(limit);
  socket.destroy();
  const text = Buffer.concat(chunks).toString('latin1').replaceAll(DATE, '');
  const answers = text === '' ? [] : text.split(ANSWER);
  return { answers, calls: [...broker.calls], isReset, isHanging };
}

/**
 * Whether the outcomes are the same, and neither hangs. A last request that is answered before its body is read, and whose body is broken
 * as well, may be answered or refused, and its body asked for or not: that depends on which of the two was come upon
 * first.
 */
function areAlike(one: Outcome, other: Outcome): boolean {
  const [a, b] = [withoutVainContinue(one), withoutVainContinue(other)];
  if (a.isHanging || b.isHanging) return false;
  if (!isDeepStrictEqual(publishes(a), publishes(b))) return false;
  const isReset = a.isReset || b.isReset;
  if (!isReset && a.answers.length !== b.answers.length) return false;
  const count = Math.min(a.answers.length, b.answers.length);
  const differing = a.answers.findIndex((answer, at) => at < count && answer !== b.answers[at]);
  if (differing === -1) return true;
  return (
    differing === count - 1 && [a, b].some(({ answers }) => BROKEN.test(answers[differing] ?? ''))
  );
}

/** Leaves out the answer that requests a broken body. */
function withoutVainContinue(outcome: Outcome): Outcome {
  const { answers } = outcome;
  if (!BROKEN.test(answers.at(-1) ?? '') || !CONTINUE.test(answers.at(-2) ?? '')) return outcome;
  return { ...outcome, answers: answers.toSpliced(-2, 1) };
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
