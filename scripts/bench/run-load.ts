/** Runs a load as often as requested, server by server, and shows the progress. */

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../src/shared/clock.ts';
import type { ProgressLine } from '../kit/progress-line.ts';
import type { ReadyLoad } from './load.ts';
import type { LatencyDetail } from './percentiles.ts';
import { type Figures, ratiosOf, sumUp } from './report/metrics.ts';
import type { Entry } from './report/report.ts';
import { RunContext, type RunListener } from './run-context.ts';
import { deleteTopic } from './server-queries.ts';
import type { ServerFacts } from './servers.ts';
import { openTarget, type Site, type Target, type TargetSpec } from './target.ts';
import { warmContext } from './warm-up.ts';

/** A server that is started for a run has no other topics. */
const TOPIC = 'bench';
const SUFFIX_BYTES = 6;
const WARM_SUFFIX = '_warm';

/** What is run, how often, and under which name. */
export type LoadPlan = {
  readonly name: string;
  readonly load: ReadyLoad;
  readonly runs: number;
};

/** The environment of the runs. `facts`: collects the versions of the servers. */
export type RunSite = Site & { readonly facts: ServerFacts };

/** Errors: rejects if one of the servers cannot be driven, and names it. */
export async function runLoad(
  { name, load, runs }: LoadPlan,
  specs: readonly TargetSpec[],
  site: RunSite,
  progress: RunProgress,
): Promise<Entry> {
  const notes = new Set<string>();
  const usable = specs.filter(({ kind }) => {
    const sink = load.sink(TOPIC);
    if (kind !== 'sink' || typeof sink !== 'string') return true;
    if (load.common.nullSink) notes.add(`no null sink: ${sink}`);
    return false;
  });
  const figures = usable.map((): Figures[] => []);
  const latencies = usable.map((): LatencyDetail | undefined => undefined);
  for (let run = 1; run <= runs; run++) {
    for (const [index, spec] of usable.entries()) {
      const place = `${name}: ${spec.role}, run ${run} of ${runs}`;
      try {
        const tell = (text: string): void => progress.update(`${place}: ${text}`);
        const found = await runOnce(load, spec, site, tell);
        figures[index].push(found.figures);
        latencies[index] = found.latency;
        for (const note of found.notes) notes.add(`${spec.role}: ${note}`);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${place}: ${why}`, { cause });
      } finally {
        progress.clear();
      }
    }
  }
  const results = usable.map(({ role }, index) => {
    const latency = latencies[index];
    return { ...sumUp(role, figures[index]), ...(latency !== undefined && { latency }) };
  });
  return {
    name,
    words: [load.name, ...load.words],
    unit: load.unit,
    results,
    ratios: ratiosOf(results),
    notes: [...notes],
  };
}

/** The results of one run. */
type OneRun = {
  readonly figures: Figures;
  readonly notes: ReadonlySet<string>;
  readonly latency: LatencyDetail | undefined;
};

async function runOnce(
  load: ReadyLoad,
  spec: TargetSpec,
  site: RunSite,
  tell: (text: string) => void,
): Promise<OneRun> {
  const sink = load.sink(TOPIC);
  const target = await openTarget(spec, load.needs, typeof sink === 'string' ? null : sink, site);
  const isOurs = target.process !== null;
  const topic = isOurs ? TOPIC : `${TOPIC}_${randomBytes(SUFFIX_BYTES).toString('hex')}`;
  const notes = new Set<string>();
  let latency: LatencyDetail | undefined;
  try {
    await site.facts.learn(target);
    const listener: RunListener = {
      onProgress: (what, done) => tell(done === 0 ? what : `${what}, ${done.toLocaleString('en')}`),
      onNote: (text) => notes.add(text),
      onLatency: (detail) => {
        latency = detail;
      },
    };
    const context = new RunContext(target, topic, site.cleanUp, listener);
    if (load.common.warmUp > 0) {
      // The null sink counts bytes, which include the topic's name.
      const warmTopic = spec.kind === 'sink' ? topic : `${topic}${WARM_SUFFIX}`;
      await load.warmUp(warmContext(context, warmTopic, listener));
      if (spec.kind !== 'sink') await removeTopic(target, warmTopic, notes);
    }
    const figures = await load.run(context);
    if (target.cpuUs() === undefined && target.pid === undefined) {
      notes.add(
        'CPU time and memory are not known: it is not on this machine, or not ours to look at',
      );
    } else if (!isOurs) {
      notes.add('it ran before: its peak memory is the most that was seen during the load');
    }
    return { figures, notes, latency };
  } finally {
    if (!isOurs) await removeTopic(target, topic, notes);
    await target.close();
  }
}

/** A failure to remove the topic is reported, and does not fail the load: it has its figures. */
async function removeTopic(target: Target, topic: string, notes: Set<string>): Promise<void> {
  try {
    await deleteTopic(target.httpAddress, topic);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // a load that created no topic of this name has nothing to clean up
    if (!why.includes('TOPIC_NOT_FOUND')) notes.add(`topic "${topic}" is left there (${why})`);
  }
}

/** Called with the number of a load. */
export type RunProgress = Pick<ProgressLine, 'update' | 'clear' | 'print'>;

const MS_PER_SECOND = 1000;
const S_PER_MINUTE = 60;

export class LoadProgress implements RunProgress {
  readonly #line: RunProgress;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #count: number;
  readonly #startMs: number;
  #number = 0;
  #left = '';

  constructor(line: RunProgress, clock: Pick<Clock, 'monotonicMs'>, count: number) {
    this.#line = line;
    this.#clock = clock;
    this.#count = count;
    this.#startMs = clock.monotonicMs();
  }

  /** The next load begins. */
  next(): void {
    const done = this.#number;
    this.#number++;
    if (done === 0) return;
    const perLoadMs = (this.#clock.monotonicMs() - this.#startMs) / done;
    this.#left = `, about ${durationText(perLoadMs * (this.#count - done))} left`;
  }

  update(text: string): void {
    const place = this.#count === 1 ? '' : `load ${this.#number} of ${this.#count}${this.#left}: `;
    this.#line.update(`${place}${text}`);
  }

  clear(): void {
    this.#line.clear();
  }

  print(text: string): void {
    this.#line.print(text);
  }
}

function durationText(ms: number): string {
  const seconds = Math.round(ms / MS_PER_SECOND);
  return seconds < S_PER_MINUTE ? `${seconds} s` : `${Math.ceil(seconds / S_PER_MINUTE)} min`;
}
