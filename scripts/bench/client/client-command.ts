/** `client`: the performance of the client library for a program, compared with nsqjs where that is installed. */

import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Consumer } from '../../../src/client/consumer.ts';
import { Producer } from '../../../src/client/producer.ts';
import type { CleanUp } from '../clean-up.ts';
import type { BenchPlan, Command } from '../load.ts';
import { count, describeOptions, type OptionValues, readOptions, wordsOf } from '../options.ts';
import { EXTENSION } from '../places.ts';
import { type Figures, ratiosOf, sumUp } from '../report/metrics.ts';
import type { Entry } from '../report/report.ts';
import type { RunProgress, RunSite } from '../run-load.ts';
import { STARTED_OPTIONS } from '../run-options.ts';
import { deleteTopic } from '../server-queries.ts';
import { startedSpec } from '../servers.ts';
import { openTarget, type Target } from '../target.ts';
import { CLIENT_LOADS, type ClientLoad, type ClientOrder } from './client-loads.ts';
import type { ClientNews } from './client-program.ts';
import { LIBRARIES, type LibraryName } from './libraries.ts';

const ENTRY = fileURLToPath(new URL(`./client-program.${EXTENSION}`, import.meta.url));
const SUFFIX_BYTES = 6;
const PREFILL_BATCH = 1000;
/** Warms up the broker: otherwise a cold broker would limit the faster client. */
const WARM_UP_MESSAGES = 200_000;

const OPTIONS = {
  messages: count(200_000, 10, 'messages of `publish` and `consume`'),
  awaited: count(1000, 1, 'publishes that wait for their answers together'),
  size: count(200, 8, 'bytes of a message'),
  maxInFlight: count(2500, 1, 'most messages in flight of a consumer'),
  rate: count(1000, 1, 'messages a second of `latency`'),
  seconds: count(5, 1, 'seconds of `latency`'),
  consumers: count(1000, 1, 'consumers of `idle`'),
} as const;
const TABLE = { ...STARTED_OPTIONS, ...OPTIONS };
type Values = OptionValues<typeof TABLE>;

const TITLES: Readonly<Record<ClientLoad, string>> = {
  publish: 'publish one by one, awaiting all',
  consume: 'consume and finish',
  latency: 'from publish to handler',
  idle: 'idle consumers',
};

export const CLIENT: Command = {
  name: 'client',
  summary: 'publish and consume with the client library, and with nsqjs if it is installed',
  usage: (program) => `usage: ${program} client [options]

Starts a broker, and drives it with programs that use a client library, each in a process of its
own: ringmq/client, and nsqjs if \`npm install nsqjs\` has put it beside, in alternation. Measures how
fast one producer publishes when each answer is awaited, how fast one consumer handles and finishes,
how long a message takes from publish to handler, and the memory of idle consumers. CPU time is that
of the client's process. Before each of them 200,000 messages go through the broker.

Of this sub-command:
${describeOptions(OPTIONS)}

Of every load that starts its servers:
${describeOptions(STARTED_OPTIONS)}

Examples:
  ${program} client
  ${program} client --messages 1000000 --runs 5
  ${program} client --server nsqd`,
  read: readClient,
};

function readClient(words: readonly string[]): BenchPlan {
  const values = readOptions(TABLE, words);
  const own = wordsOf([...Object.keys(OPTIONS), 'memQueueSize'], TABLE, words);
  const plans = CLIENT_LOADS.map((load) => ({
    name: TITLES[load],
    series: null,
    run: (site: RunSite, progress: RunProgress) =>
      runClient(load, ['client', ...own], values, site, progress),
  }));
  return { common: values, specs: [startedSpec('server', values)], plans, reportPrefix: null };
}

/** Measures the installed libraries in alternation. */
async function runClient(
  load: ClientLoad,
  words: readonly string[],
  values: Values,
  site: RunSite,
  progress: RunProgress,
): Promise<Entry> {
  const libraries = LIBRARIES.filter(isInstalled);
  const notes = libraries.includes('nsqjs') ? [] : ['nsqjs is not installed'];
  const figures = new Map<LibraryName, Figures[]>();
  for (let run = 1; run <= values.runs; run++) {
    for (const library of libraries) {
      progress.update(`${TITLES[load]}: ${library}, run ${run} of ${values.runs}`);
      try {
        const found = await runOnce(load, library, values, site);
        figures.set(library, [...(figures.get(library) ?? []), found]);
      } finally {
        progress.clear();
      }
    }
  }
  const results = [...figures].map(([library, runs]) => sumUp(library, runs));
  return { name: TITLES[load], words, unit: 'msg', results, ratios: ratiosOf(results), notes };
}

async function runOnce(
  load: ClientLoad,
  library: LibraryName,
  values: Values,
  site: RunSite,
): Promise<Figures> {
  const memQueueSize = values.memQueueSize ?? 2 * values.messages;
  const needs = { memQueueSize, hasTls: false, flags: [], prepare: null };
  const target = await openTarget(startedSpec('server', values), needs, null, site);
  try {
    await site.facts.learn(target);
    await warmUp(target, values.size);
    const topic = `bench_${randomBytes(SUFFIX_BYTES).toString('hex')}`;
    const messages = load === 'latency' ? values.rate * values.seconds : values.messages;
    const { awaited, size, maxInFlight, rate, consumers } = values;
    if (load === 'consume') await prefill(target, topic, messages, size);
    const order = { load, library, topic, size, messages, awaited, maxInFlight, rate, consumers };
    return await runProgram({ ...order, port: target.address.port }, site.cleanUp);
  } finally {
    await target.close();
  }
}

/** Publishes and consumes through a topic that is then deleted. */
async function warmUp(target: Target, size: number): Promise<void> {
  const { host, port } = target.address;
  const topic = `warm_up_${randomBytes(SUFFIX_BYTES).toString('hex')}`;
  await prefill(target, topic, WARM_UP_MESSAGES, size);
  const consumer = new Consumer({
    topic,
    channel: 'bench',
    nsqd: [`${host}:${port}`],
    maxInFlight: 2500,
  });
  let count = 0;
  await consumer.run(() => {
    count++;
    if (count === WARM_UP_MESSAGES) void consumer.close();
  });
  await deleteTopic(target.httpAddress, topic);
}

async function prefill(
  target: Target,
  topic: string,
  messages: number,
  size: number,
): Promise<void> {
  const { host, port } = target.address;
  const producer = new Producer({ nsqd: [`${host}:${port}`] });
  const bodies = Array.from({ length: PREFILL_BATCH }, () => Buffer.alloc(size, 'x'));
  for (let left = messages; left > 0; left -= PREFILL_BATCH) {
    await producer.publishMany(topic, bodies.slice(0, Math.min(left, PREFILL_BATCH)));
  }
  await producer.close();
}

/** Errors: rejects with the failure of the program. */
function runProgram(order: ClientOrder, cleanUp: CleanUp): Promise<Figures> {
  const child = fork(ENTRY, {
    execArgv: ['--expose-gc', '--disable-warning=DEP0040'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = cleanUp.add(() => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.on('message', (news: ClientNews) => {
      if (news.kind === 'done') resolve(news.figures);
      else reject(new Error(`${order.library}: ${news.why}`));
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      ended();
      reject(new Error(`${order.library} ended with ${signal ?? code}`));
    });
    child.send(order);
  });
}

function isInstalled(library: LibraryName): boolean {
  if (library === 'ringmq/client') return true;
  try {
    createRequire(import.meta.url).resolve(library);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
