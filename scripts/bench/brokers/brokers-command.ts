/**
 * `brokers`: how much more several brokers on one machine achieve, with an nsqlookupd.
 */

import { randomBytes } from 'node:crypto';
import { type HostPort, joinHostPort } from '../../../src/daemon/host-port.ts';
import type { BenchPlan, Command, EntryPlan } from '../load.ts';
import { BATCH_OPTIONS, MEM_QUEUE_SIZE_MIN, MESSAGES_DEFAULT } from '../loads/traffic-options.ts';
import {
  ArgumentError,
  count,
  counts,
  describeOptions,
  type OptionValues,
  optionalAddress,
  readOptions,
  wordsOf,
} from '../options.ts';
import { type Figures, sumUp } from '../report/metrics.ts';
import type { Entry } from '../report/report.ts';
import { type Measured, RunContext } from '../run-context.ts';
import type { RunProgress, RunSite } from '../run-load.ts';
import { STARTED_OPTIONS } from '../run-options.ts';
import { startedSpec } from '../servers.ts';
import { openTarget, type Role, type Target } from '../target.ts';
import { PLAIN } from '../wire/link.ts';
import { type BrokerRun, figuresOfAll, figuresOfOne } from './brokers-figures.ts';
import { BundledLookupd, deleteFromLookupd, findBrokers } from './bundled-lookupd.ts';

/** The options of this sub-command alone. */
const BROKERS_OPTIONS = {
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

/** All its options. */
const BROKERS_TABLE = { ...STARTED_OPTIONS, ...BROKERS_OPTIONS };

/** What is measured with each number of brokers. */
type BrokersValues = OptionValues<typeof BROKERS_TABLE>;

const CHANNEL = 'bench';
const SUFFIX_BYTES = 6;

/** Each broker has its own node id. */
const BROKERS_MAX = 1024;

export const BROKERS: Command = {
  name: 'brokers',
  summary: 'publish to several brokers and consume from all that nsqlookupd names',
  usage: (program) => `usage: ${program} brokers [options]

Starts brokers on this machine, each with its own ports, data directory and node id, and registers
them with an nsqlookupd. One load generator for each broker publishes, all at the same time; then
consumers read from each broker that nsqlookupd names. Shows figures for each broker and for all
together: messages from the first start to the last end, CPU time and memory. Percentiles are the
time from sending a publishing command to its answer.

Each broker starts one pump thread less than there are CPUs, unless --server-flags says otherwise.

Of this sub-command:
${describeOptions(BROKERS_OPTIONS)}

Of every load that starts its servers:
${describeOptions(STARTED_OPTIONS)}

Examples:
  ${program} brokers
  ${program} brokers --brokers 1,2,4 --server-flags='--pump-threads=1 --max-memory=10%'
  ${program} brokers --brokers 3 --lookupd 127.0.0.1:4160 --batch 1 --messages 100k`,
  read: readBrokers,
};

function readBrokers(words: readonly string[]): BenchPlan {
  const values = readOptions(BROKERS_TABLE, words);
  const most = Math.max(...values.brokers);
  if (most > BROKERS_MAX) {
    throw new ArgumentError(`--brokers ${most} is more than the ${BROKERS_MAX} node ids there are`);
  }
  if (values.lookupdHttpAddress !== null && values.lookupd === null) {
    throw new ArgumentError('--lookupd-http-address needs --lookupd');
  }
  const { brokers: _, ...others } = BROKERS_OPTIONS;
  const own = wordsOf([...Object.keys(others), 'memQueueSize'], BROKERS_TABLE, words);
  const plans = values.brokers.map((brokers): EntryPlan => {
    const column = brokers === 1 ? '1 broker' : `${brokers} brokers`;
    const entry = { name: column, words: ['brokers', '--brokers', `${brokers}`, ...own], brokers };
    return {
      name: column,
      series: { title: 'all brokers together', column },
      run: (site, progress) => runBrokers(entry, values, site, progress),
    };
  });
  const specs = [startedSpec('all brokers', values)];
  return { common: values, specs, plans, reportPrefix: null };
}

/** Its name in the report, and the number of brokers. */
type BrokersEntry = {
  readonly name: string;
  readonly words: readonly string[];
  readonly brokers: number;
};

/** Where brokers register, and where consumers look them up. */
type Lookupd = { readonly address: HostPort; readonly httpAddress: HostPort };

/** Errors: rejects if one of the brokers cannot be driven, or is not found. */
async function runBrokers(
  { name, words, brokers }: BrokersEntry,
  values: BrokersValues,
  site: RunSite,
  progress: RunProgress,
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

/** Receives its progress. */
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
  // reported before anything is started
  await findBrokers(lookupd.httpAddress, topic, 0);
  try {
    for (let index = 0; index < brokers; index++) {
      targets.push(await openBroker(index, values, lookupd, site));
    }
    await site.facts.learn(targets[0], 'all brokers');
    const contexts = targets.map((target) => contextOf(target, topic, site, witness));
    const runs = await measureAll(contexts, lookupd, values);
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
      `--lookupd-tcp-address=${joinHostPort(lookupd.address.host, lookupd.address.port)}`,
      // message ids contain it, so two brokers with the same one would produce the same ids
      `--node-id=${index}`,
    ],
    prepare: null,
  };
  return openTarget(spec, needs, null, site);
}

function contextOf(
  target: Target,
  topic: string,
  site: RunSite,
  { tell, notes }: Witness,
): RunContext {
  return new RunContext(target, topic, site.cleanUp, {
    onProgress: (what, done) => tell(`${target.role} ${what}, ${done.toLocaleString('en')}`),
    onNote: (text) => notes.add(`${target.role}: ${text}`),
  });
}

/** Otherwise a topic without brokers would remain. A failure to remove it is reported, and does not fail the load. */
async function forgetTopic(lookupd: HostPort, topic: string, { notes }: Witness): Promise<void> {
  try {
    await deleteFromLookupd(lookupd, topic);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    notes.add(`the nsqlookupd still knows topic "${topic}" (${why})`);
  }
}

/** Publishes to all brokers at once, and then consumes from all that are found. */
async function measureAll(
  contexts: readonly RunContext[],
  lookupd: Lookupd,
  values: BrokersValues,
): Promise<BrokerRun[]> {
  const { connections, rdy } = values;
  const published = await together(contexts, (context, onReady) =>
    context.measure(
      'publishing',
      'publish',
      {
        address: context.target.address,
        topics: [context.topic],
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
  const found = await findBrokers(lookupd.httpAddress, contexts[0].topic, contexts.length);
  const ports = found.map(({ port }) => port);
  const lost = contexts.find(({ target }) => !ports.includes(target.address.port));
  if (lost !== undefined) {
    throw new Error(
      `the nsqlookupd names ${found.map(({ host, port }) => joinHostPort(host, port))}, not ${lost.target.role}`,
    );
  }
  const consumed = await together(contexts, (context, onReady, index) =>
    context.measure(
      'consuming',
      'consume',
      {
        address: found[ports.indexOf(context.target.address.port)],
        topics: [context.topic],
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
  return contexts.map(({ target }, index) => ({
    target,
    published: published[index],
    consumed: consumed[index],
  }));
}

/** Drives all brokers at once; the measurement begins when all are connected. Errors: rejects if one of them fails. */
async function together(
  contexts: readonly RunContext[],
  measureOne: (
    context: RunContext,
    onReady: () => Promise<void>,
    index: number,
  ) => Promise<Measured>,
): Promise<Measured[]> {
  const barrier = new Barrier(contexts.length);
  const runs = contexts.map((context, index) => measureOne(context, () => barrier.arrive(), index));
  try {
    return await Promise.all(runs);
  } finally {
    barrier.release();
  }
}

export class Barrier {
  readonly #released = Promise.withResolvers<void>();
  #missing: number;

  /** `count`: the number of participants to wait for. */
  constructor(count: number) {
    this.#missing = count;
  }

  /** Resolves when all have arrived. */
  arrive(): Promise<void> {
    this.#missing--;
    if (this.#missing === 0) this.release();
    return this.#released.promise;
  }

  /** Releases those that wait, because another one will not arrive. */
  release(): void {
    this.#released.resolve();
  }
}
