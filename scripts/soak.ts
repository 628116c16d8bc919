// Runs a broker under a steady load with constant changes, and checks whether its use of resources grows. Exits with 1
// if one does, or if a message is missing.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock } from '../src/shared/clock.ts';
import { freshSeed, seededRandom } from '../test/support/seeded-random.ts';
import { Churn } from './checkers/soak/churn.ts';
import { MEASURES, type Measure, type Sample, takeSample } from './checkers/soak/samples.ts';
import { trendOf } from './checkers/soak/trend.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';
import { startBroker } from './kit/broker.ts';
import { ProgressLine } from './kit/progress-line.ts';

const USAGE = `usage: node scripts/soak.ts [options]

Runs a broker under a steady load, and creates and deletes topics and consumers. Fails if memory,
descriptors, files or queues grow, or if a message is missing.

  --minutes N          how long it runs (default 60)
  --rate N             messages per second (default 20000)
  --mem-queue-size N   memory queue size of the broker (default 10000)
  --server COMMAND     check another broker; the command gets nsqd's flags

Example:
  node scripts/soak.ts --minutes 10 --rate 5000

Exit code: 0 nothing grew, 1 a fault, 2 bad arguments.`;

/** The share of the time after which nothing may grow any more. */
const WARM_UP_SHARE = 0.3;
const SAMPLES = 240;
const SAMPLE_MS_MIN = 500;
const MS_PER_MINUTE = 60_000;
const REFUSALS_SHOWN = 5;

/**
 * How much the trend may rise after the warm-up, however long that is; or this share of the mean, if that is more,
 * since garbage collection makes a heap vary.
 * Units: those of the samples.
 */
const BOUNDS: Readonly<Record<Measure, { readonly rise: number; readonly share: number }>> = {
  resident: { rise: 32, share: 0.1 },
  heap: { rise: 16, share: 0.3 },
  descriptors: { rise: 10, share: 0 },
  files: { rise: 10, share: 0.1 },
  held: { rise: 5000, share: 0.3 },
};

const values = readArguments(USAGE, {
  minutes: { type: 'string', default: '60' },
  rate: { type: 'string', default: '20000' },
  'mem-queue-size': { type: 'string', default: '10000' },
  server: { type: 'string' },
});
const minutes = wholeNumber('minutes', values.minutes, 1, USAGE);
const rate = wholeNumber('rate', values.rate, 1, USAGE);
const memQueueSize = wholeNumber('mem-queue-size', values['mem-queue-size'], 0, USAGE);

const seed = freshSeed();
const progress = new ProgressLine(process.stderr, new SystemClock());
const dataPath = mkdtempSync(path.join(tmpdir(), 'ringmq-soak-'));
const broker = await startBroker({
  server: values.server,
  dataPath,
  flags: [`--mem-queue-size=${memQueueSize}`],
});
const churn = new Churn(broker, rate, seededRandom(seed));
progress.print(`${minutes} minutes, ${rate} messages a second, seed ${seed}`);
const running = churn.run();
const samples = await Promise.race([sampleToEnd(), running.then(() => failed())]);
churn.stop();
await running;
const faults = [...checkTrends(samples), ...checkMessages()];
const ending = await broker.stop();
if (ending.code !== 0) faults.push(`the broker ended with ${JSON.stringify(ending)}`);
rmSync(dataPath, { recursive: true });

const { published, finished, guests } = churn.counts;
console.log(`${published} published, ${finished} finished, ${guests} topics came and went`);
for (const fault of faults) console.log(`FAIL ${fault}`);
console.log(faults.length === 0 ? 'nothing grows, nothing is missing' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

function failed(): never {
  throw new Error(`the load has ended by itself:\n${broker.log}`);
}

async function sampleToEnd(): Promise<Sample[]> {
  const startMs = performance.now();
  const endMs = startMs + minutes * MS_PER_MINUTE;
  const periodMs = Math.max(SAMPLE_MS_MIN, (minutes * MS_PER_MINUTE) / SAMPLES);
  const taken: Sample[] = [];
  while (performance.now() < endMs) {
    await delay(Math.max(0, startMs + (taken.length + 1) * periodMs - performance.now()));
    const sample = await takeSample(broker, dataPath);
    taken.push(sample);
    const figures = MEASURES.map((measure) => `${measure} ${sample[measure].toFixed()}`).join(', ');
    const seconds = ((performance.now() - startMs) / 1000).toFixed();
    progress.update(`${seconds} s: ${figures}; ${churn.counts.finished} finished`);
  }
  return taken;
}

/** Prints the trends and the resources that grow. */
function checkTrends(taken: readonly Sample[]): string[] {
  const found: string[] = [];
  const after = taken.slice(Math.floor(taken.length * WARM_UP_SHARE));
  progress.print('measure          least      mean      most      rise   allowed');
  for (const measure of MEASURES) {
    const known = after.map((sample) => sample[measure]).filter((value) => !Number.isNaN(value));
    if (known.length === 0) continue;
    const { least, mean, most, rise } = trendOf(known);
    const bound = BOUNDS[measure];
    const allowed = Math.max(bound.rise, bound.share * mean);
    const figures = [least, mean, most, rise, allowed].map((it) => it.toFixed(1).padStart(9));
    console.log(`${measure.padEnd(12)} ${figures.join(' ')}`);
    if (rise > allowed) found.push(`${measure} grows by ${rise.toFixed(1)}`);
  }
  return found;
}

function checkMessages(): string[] {
  const { finished: count, refused } = churn.counts;
  const found = refused.slice(0, REFUSALS_SHOWN).map((text) => `refused: ${text}`);
  const expected = churn.expectedFinishes;
  if (count !== expected) found.push(`${count} messages were finished, ${expected} expected`);
  return found;
}
