// Feeds every parser of bytes from outside with random input, compares the fast lane for HTTP with Node's HTTP server,
// and sends random requests to the HTTP API, from a seed that is printed. Exits with 1 at the first finding.
import { fuzz } from '../test/fuzz/fuzz.ts';
import { fuzzHttpHeads } from '../test/fuzz/http-heads.ts';
import { fuzzHttpLane } from '../test/fuzz/http-lane.ts';
import { freshSeed } from '../test/support/seeded-random.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';

const USAGE = `usage: node scripts/fuzz.ts [options]

Feeds random inputs to every parser of bytes from outside, and stops at the first input that one of
them handles wrongly.

  --seconds N        how long it runs (default 50)
  --seed S           seed of the inputs (default: a new one, which is printed)

Exit code: 0 nothing found, 1 a finding, 2 bad arguments.`;
const MS_PER_SECOND = 1000;
/** The shares of the time after which the parsers and the HTTP lane are done; request heads get the rest. */
const PARSERS_END = 2 / 3;
const LANE_END = 5 / 6;

const values = readArguments(USAGE, {
  seconds: { type: 'string', default: '50' },
  seed: { type: 'string', default: String(freshSeed()) },
});
const seed = wholeNumber('seed', values.seed, 1, USAGE);
const ms = wholeNumber('seconds', values.seconds, 1, USAGE) * MS_PER_SECOND;
const startMs = performance.now();
console.log(`seed ${seed}`);
const rounds = await fuzz(seed, () => performance.now() >= startMs + ms * PARSERS_END);
console.log(`${rounds} inputs for each parser, nothing found`);
// The process closes everything that is still open.
const site = { after: () => undefined };
const connections = await fuzzHttpLane(
  site,
  seed,
  () => performance.now() >= startMs + ms * LANE_END,
);
console.log(`${connections} connections for the HTTP lane, nothing found`);
const heads = await fuzzHttpHeads(site, seed, () => performance.now() >= startMs + ms);
console.log(`${heads} connections for the heads of HTTP requests, nothing found`);
process.exit(0);
