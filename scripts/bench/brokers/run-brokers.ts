/**
 * Drives several brokers at once, with one nsqlookupd.
 */

import { randomBytes } from 'node:crypto';
import type { ProgressLine } from '../../kit/progress-line.ts';
import { BATCH_OPTIONS, MEM_QUEUE_SIZE_MIN, MESSAGES_DEFAULT } from '../loads/traffic-options.ts';
import { count, counts, type OptionValues, optionalAddress } from '../options.ts';
import { type Figures, sumUp } from '../report/metrics.ts';
import type { Entry } from '../report/report.ts';
import type { RunSite } from '../run-load.ts';
import { STARTED_OPTIONS } from '../run-options.ts';
import { startedSpec } from '../servers.ts';
import { type Measured, Stage } from '../stage.ts';
import { openTarget, type Role, type Target } from '../target.ts';
import { type Address, spellAddress } from '../wire/address.ts';
import { PLAIN } from '../wire/connect.ts';
import { type BrokerRun, figuresOfAll, figuresOfOne } from './brokers-figures.ts';
import { BundledLookupd } from './bundled-lookupd.ts';
import { deleteFromLookupd, findBrokers } from './lookup.ts';

export class Barrier {
  readonly #released = Promise.withResolvers<void>();
  #missing: number;

  /** `count`: how many are waited for. */
  constructor(count: number) {
    this.#missing = count;
  }

  /** Resolves when all have come. */
  arrive(): Promise<void> {
    this.#missing--;
    if (this.#missing === 0) this.release();
    return this.#released.promise;
  }

  /** Lets those go who wait, because somebody will not come. */
  release(): void {
    this.#released.resolve();
  }
}

/** Those that no other sub-command has. */
export const BROKERS_OPTIONS = {
  brokers: counts([1, 2], 1, 'numbers of brokers'),
  lookupd: optionalAddress(
    'TCP address of an nsqlookupd for the brokers (default: a small built-in one)',
  ),
  lookupdHttpAddress: optionalAddress('HTTP address of that nsqlookupd (default: the next port)'),
  messages: count(MESSAGES_DEFAULT, 1, 'messages for each broker'),
  ...BATCH_OPTIONS,
  connections: count(2, 1, 'publishing connections to each broker, and as many consuming ones'),
  inFlight: count(2, 1, 'unanswered commands of each connection'),
  rdy: count(2500, 1, 'RDY of each consumer'),
} as const;

/** All of them. */
export const BROKERS_TABLE = { ...STARTED_OPTIONS, ...BROKERS_OPTIONS };

/** What is measured with each number of brokers. */
export type BrokersValues = OptionValues<typeof BROKERS_TABLE>;

const CHANNEL = 'bench';
const SUFFIX_BYTES = 6;

/** What the report calls it, and how many brokers there are. */
export type BrokersEntry = {
  readonly name: string;
  readonly words: readonly string[];
  readonly brokers: number;
};

/** Where brokers register, and where consumers ask. */
type Lookupd = { readonly address: Address; readonly httpAddress: Address };

/** Errors: rejects when one of the brokers cannot be driven, or is not found. */
export async function runBrokers(
  { name, words, brokers }: BrokersEntry,
  values: BrokersValues,
  site: RunSite,
  progress: ProgressLine,
): Promise<Entry> {
  const figures = new Map<Role, Figures[]>();
  const notes = new Set<string>();
  for (let run = 1; run <= values.runs; run++) {
    const place = `${name}, run ${run} of ${values.runs}`;
    const tell = (text: string): void => progress.update(`${place}: ${text}`);
    try {
      for (const [role, found] of await runOnce(brokers, values, site, { tell, notes })) {
        figures.set(role, [...(figures.get(role) ?? []), found]);
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${place}: ${why}`, { cause });
    } finally {
      progress.clear();
    }
  }
  const results = [...figures].map(([role, runs]) => sumUp(role, runs));
  return { name, words, unit: 'msg', results, ratios: [], notes: [...notes] };
}

/** Who is told how it gets on. */
type Witness = { readonly tell: (text: string) => void; readonly notes: Set<string> };

async function runOnce(
  brokers: number,
  values: BrokersValues,
  site: RunSite,
  witness: Witness,
): Promise<Map<Role, Figures>> {
  const bundled = values.lookupd === null ? await BundledLookupd.start(site.cleanUp) : null;
  const lookupd = bundled ?? externalLookupd(values);
  const topic = `bench_${randomBytes(SUFFIX_BYTES).toString('hex')}`;
  const targets: Target[] = [];
  // told before anything is started for it
  await findBrokers(lookupd.httpAddress, topic, 0);
  try {
    for (let index = 0; index < brokers; index++) {
      targets.push(await openBroker(index, values, lookupd, site));
    }
    await site.facts.learn(targets[0], 'all brokers');
    const stages = targets.map((target) => stageOf(target, topic, site, witness));
    const runs = await drive(stages, lookupd, values);
    const figures = new Map<Role, Figures>([['all brokers', figuresOfAll(runs)]]);
    for (const run of runs) figures.set(run.target.role, figuresOfOne(run));
    return figures;
  } finally {
    await Promise.all(targets.map((target) => target.close()));
    bundled?.close();
    if (bundled === null) await forgetTopic(lookupd.httpAddress, topic, witness);
  }
}

function externalLookupd({ lookupd, lookupdHttpAddress }: BrokersValues): Lookupd {
  if (lookupd === null) throw new Error('there is no nsqlookupd');
  const beside = { host: lookupd.host, port: lookupd.port + 1 };
  return { address: lookupd, httpAddress: lookupdHttpAddress ?? beside };
}

function openBroker(
  index: number,
  values: BrokersValues,
  lookupd: Lookupd,
  site: RunSite,
): Promise<Target> {
  const spec = startedSpec(`broker ${index + 1}`, values);
  const needs = {
    memQueueSize: values.memQueueSize ?? Math.max(MEM_QUEUE_SIZE_MIN, 2 * values.messages),
    hasTls: false,
    flags: [
      '--broadcast-address=127.0.0.1',
      `--lookupd-tcp-address=${spellAddress(lookupd.address)}`,
      // ids of messages are made from it: two brokers with the same would give the same ids
      `--node-id=${index}`,
    ],
    prepare: null,
  };
  return openTarget(spec, needs, null, site);
}

function stageOf(target: Target, topic: string, site: RunSite, { tell, notes }: Witness): Stage {
  return new Stage(target, topic, site.cleanUp, {
    onProgress: (what, done) => tell(`${target.role} ${what}, ${done.toLocaleString('en')}`),
    onNote: (text) => notes.add(`${target.role}: ${text}`),
  });
}

/** A topic without brokers would stay there. What cannot be removed is said, and no reason to fail. */
async function forgetTopic(lookupd: Address, topic: string, { notes }: Witness): Promise<void> {
  try {
    await deleteFromLookupd(lookupd, topic);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    notes.add(`the nsqlookupd still knows topic "${topic}" (${why})`);
  }
}

/** Publishes to all brokers at once, and then consumes from all that are found. */
async function drive(
  stages: readonly Stage[],
  lookupd: Lookupd,
  values: BrokersValues,
): Promise<BrokerRun[]> {
  const { connections, rdy } = values;
  const published = await together(stages, (stage, onReady) =>
    stage.drive(
      'publishing',
      'publish',
      {
        address: stage.target.address,
        topics: [stage.topic],
        layers: PLAIN,
        batch: values.batch,
        size: values.size,
        deferMs: 0,
        connections,
        inFlight: values.inFlight,
        rate: 0,
        messages: values.messages,
        seconds: null,
      },
      onReady,
    ),
  );
  const found = await findBrokers(lookupd.httpAddress, stages[0].topic, stages.length);
  const ports = found.map(({ port }) => port);
  const lost = stages.find(({ target }) => !ports.includes(target.address.port));
  if (lost !== undefined) {
    throw new Error(`the nsqlookupd names ${found.map(spellAddress)}, not ${lost.target.role}`);
  }
  const consumed = await together(stages, (stage, onReady, index) =>
    stage.drive(
      'consuming',
      'consume',
      {
        address: found[ports.indexOf(stage.target.address.port)],
        topics: [stage.topic],
        layers: PLAIN,
        channels: [CHANNEL],
        connections,
        rdy,
        finBatch: 0,
        requeueShare: 0,
        messages: published[index].outcome.count,
        seconds: null,
      },
      onReady,
    ),
  );
  return stages.map(({ target }, index) => ({
    target,
    published: published[index],
    consumed: consumed[index],
  }));
}

/** Drives all at once: what is measured begins when all are connected. Errors: rejects when one of them fails. */
async function together(
  stages: readonly Stage[],
  driveOne: (stage: Stage, onReady: () => Promise<void>, index: number) => Promise<Measured>,
): Promise<Measured[]> {
  const barrier = new Barrier(stages.length);
  const drives = stages.map((stage, index) => driveOne(stage, () => barrier.arrive(), index));
  try {
    return await Promise.all(drives);
  } finally {
    barrier.release();
  }
}
