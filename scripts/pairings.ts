// Every broker with every lookupd, admin and set of tools, RingMQ's and the originals: checks that mixed fleets work.
// Exits with 1 if a check fails.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { readArguments } from './kit/arguments.ts';
import { BrokerProcess } from './kit/broker.ts';

const USAGE = `usage: node scripts/pairings.ts [--originals DIR]

Pairs brokers, lookupds, admins and tools of RingMQ and of nsq 1.3, and prints which checks pass.

  --originals DIR  where nsqd, nsqlookupd, nsqadmin and the tools are (default: RingMQ's alone)

Exit code: 0 all is well, 1 a check fails, 2 bad arguments.`;

const LOCAL = '127.0.0.1';
const LOOK_MS = 20;
/** A condition that does not hold after this many checks never will. */
const LOOKS_MAX = 1000;
const BODIES = ['one', 'two', 'three'];

/** The programs of RingMQ or of nsq: the command line of each, by the original's name. */
type Family = { readonly name: string; readonly command: (program: string) => string[] };

/** The result of a check: its name, and why it failed. */
type Finding = { readonly check: string; readonly why: string | null };

/** A channel as `/stats` and admins show it. */
type Channel = {
  readonly channel_name: string;
  readonly depth: number;
  readonly in_flight_count: number;
  readonly paused: boolean;
};
type Topic = {
  readonly topic_name: string;
  readonly message_count: number;
  readonly channels: readonly Channel[];
};

/** The addresses of a broker and its lookupd. */
type Fleet = { readonly broker: BrokerProcess; readonly tcp: string; readonly lookupd: string };

const values = readArguments(USAGE, { originals: { type: 'string', default: '' } });
const entry = path.join(import.meta.dirname, 'ringmq.cjs');
const OURS: Family = {
  name: 'ringmq',
  command: (program) => [process.execPath, entry, program],
};
const ORIGINALS: Family = {
  name: 'nsq',
  command: (program) => [path.join(values.originals, program)],
};
const FAMILIES = values.originals === '' ? [OURS] : [OURS, ORIGINALS];

const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-pairings-'));
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

for (const brokers of FAMILIES) {
  for (const lookupds of FAMILIES) await pair(brokers, lookupds);
}

async function pair(brokers: Family, lookupds: Family): Promise<void> {
  const addresses = [
    `--tcp-address=${LOCAL}:0`,
    `--http-address=${LOCAL}:0`,
    `--broadcast-address=${LOCAL}`,
  ];
  const lookupd = serve(lookupds, 'nsqlookupd', addresses);
  await lookupd.listening();
  const broker = serve(brokers, 'nsqd', [
    ...addresses,
    `--data-path=${mkdtempSync(path.join(directory, 'data-'))}`,
    `--lookupd-tcp-address=${LOCAL}:${lookupd.tcpPort}`,
  ]);
  await broker.listening();
  const fleet = {
    broker,
    tcp: `${LOCAL}:${broker.tcpPort}`,
    lookupd: `${LOCAL}:${lookupd.httpPort}`,
  };
  const label = `broker ${brokers.name}, lookupd ${lookupds.name}`;
  for (const admins of FAMILIES) {
    report(`${label}, admin ${admins.name}`, await adminChecks(fleet, admins));
  }
  for (const tools of FAMILIES) {
    report(`${label}, tools ${tools.name}`, await toolChecks(fleet, tools));
  }
  const ends = [await broker.stop(), await lookupd.stop()].map(({ code }) => code);
  report(`${label}, the end`, [finding('exit codes', ends, [0, 0])]);
}

function report(what: string, findings: readonly Finding[]): void {
  const failed = findings.filter(({ why }) => why !== null);
  console.log(`${what}: ${findings.length - failed.length} of ${findings.length} checks`);
  for (const { check, why } of failed) console.log(`  ${check}: ${why}`);
  if (failed.length > 0) process.exitCode = 1;
}

/** What nsqadmin's API changes in the fleet. */
async function adminChecks({ broker, lookupd }: Fleet, admins: Family): Promise<Finding[]> {
  const admin = serve(admins, 'nsqadmin', [
    `--http-address=${LOCAL}:0`,
    `--lookupd-http-address=${lookupd}`,
  ]);
  admin.httpPort = Number((await admin.logged(/HTTP: listening on .*:(\d+)\n/))[1]);
  const ask = async (method: string, where: string, body?: object): Promise<unknown> => {
    const content = body === undefined ? null : JSON.stringify(body);
    const answer = await fetch(`http://${LOCAL}:${admin.httpPort}/api${where}`, {
      method,
      body: content,
    });
    return answer.status === 200 ? await answer.json() : answer.status;
  };
  const topic = `by-${admins.name}`;
  const channel = async (): Promise<Channel | undefined> => {
    return (await topicOf(broker, topic))?.channels[0];
  };
  const findings: Finding[] = [];
  const act = async (check: string, asked: Promise<unknown>, holds: () => Promise<boolean>) => {
    const answer = await asked;
    const isDone = typeof answer !== 'number' && (await until(holds));
    findings.push(finding(check, isDone, true, `answer ${JSON.stringify(answer)}`));
  };

  // Only brokers that have a topic get its channel.
  await broker.ask(`/topic/create?topic=${topic}`, 'POST');
  await until(async () => (await producersOf(lookupd, topic)) === 1);
  await act(
    'create channel',
    ask('POST', '/topics', { topic, channel: 'c' }),
    async () => (await channel()) !== undefined,
  );
  await act('list topics', ask('GET', '/topics'), async () => {
    const { topics } = (await ask('GET', '/topics')) as { topics: string[] };
    return topics.includes(topic);
  });
  await act('list nodes', ask('GET', '/nodes'), async () => {
    const { nodes } = (await ask('GET', '/nodes')) as { nodes: { tcp_port: number }[] };
    return nodes.some((node) => node.tcp_port === broker.tcpPort);
  });
  await act('pause', ask('POST', `/topics/${topic}/c`, { action: 'pause' }), async () => {
    return (await channel())?.paused === true;
  });
  for (const body of BODIES) await publish(broker, topic, body);
  await act('show depth', ask('GET', `/topics/${topic}/c`), async () => {
    const { depth } = (await ask('GET', `/topics/${topic}/c`)) as Channel;
    return depth === BODIES.length;
  });
  await act('count', ask('GET', '/counter'), async () => {
    const { stats } = (await ask('GET', '/counter')) as { stats: Record<string, object> };
    return Object.values(stats).length > 0;
  });
  await act('empty', ask('POST', `/topics/${topic}/c`, { action: 'empty' }), async () => {
    return (await channel())?.depth === 0;
  });
  await act('unpause', ask('POST', `/topics/${topic}/c`, { action: 'unpause' }), async () => {
    return (await channel())?.paused === false;
  });
  await act(
    'tombstone',
    ask('DELETE', `/nodes/${LOCAL}:${broker.httpPort}`, { topic }),
    async () => (await producersOf(lookupd, topic)) === 0,
  );
  await broker.ask(`/topic/create?topic=${topic}-2`, 'POST');
  await until(async () => (await producersOf(lookupd, `${topic}-2`)) === 1);
  await act('delete topic', ask('DELETE', `/topics/${topic}-2`), async () => {
    return (await topicOf(broker, `${topic}-2`)) === undefined;
  });
  findings.push(finding('exit code', (await admin.stop()).code, 0));
  return findings;
}

/** The way of three messages through all tools, which find the broker by lookupd. */
async function toolChecks({ broker, tcp, lookupd }: Fleet, tools: Family): Promise<Finding[]> {
  const topic = `of-${tools.name}`;
  const output = mkdtempSync(path.join(directory, 'files-'));
  const expected = BODIES.join('\n');
  const source = [`--topic=${topic}`, `--lookupd-http-address=${lookupd}`];
  const counts = async (name: string): Promise<number> => {
    const channels = (await topicOf(broker, topic))?.channels ?? [];
    const found = channels.find((each) => each.channel_name === name);
    return found === undefined ? -1 : found.depth + found.in_flight_count;
  };
  const untilDone = async (name: string): Promise<boolean> => {
    return await until(async () => (await counts(name)) === 0);
  };
  await broker.ask(`/topic/create?topic=${topic}`, 'POST');
  for (const name of ['tail', 'nsq_to_file', 'nsq_to_http', 'nsq_to_nsq']) {
    await broker.ask(`/channel/create?topic=${topic}&channel=${name}`, 'POST');
  }
  await until(async () => (await producersOf(lookupd, topic)) === 1);
  const findings: Finding[] = [];

  const words = [`--topic=${topic}`, `--nsqd-tcp-address=${tcp}`];
  const published = await run(tools, 'to_nsq', words, { input: `${expected}\n` });
  const count = (await topicOf(broker, topic))?.message_count;
  findings.push(finding('to_nsq', [published.code, count], [0, BODIES.length]));

  const asked = [...source, '--channel=tail', '--interval=100ms', '--count=1'];
  const stat = await run(tools, 'nsq_stat', asked);
  const line = stat.output
    .split('\n')[2]
    ?.trim()
    .split(/[\s|]+/);
  const depth = [stat.code, line?.[2], line?.[9]];
  findings.push(finding('nsq_stat', depth, [0, String(BODIES.length), String(BODIES.length)]));

  const tailed = [...source, '--channel=tail', `-n=${BODIES.length}`];
  const tail = await run(tools, 'nsq_tail', tailed);
  findings.push(finding('nsq_tail', [tail.code, tail.output], [0, `${expected}\n`]));

  const archived = await run(tools, 'nsq_to_file', [...source, `--output-dir=${output}`], {
    until: () => untilDone('nsq_to_file'),
  });
  const files = readdirSync(output).map((name) => readFileSync(path.join(output, name), 'utf8'));
  findings.push(finding('nsq_to_file', [archived.code, ...files], [0, `${expected}\n`]));

  const posted: string[] = [];
  const server = createServer(async (request, response) => {
    posted.push(await text(request));
    response.end();
  });
  server.listen(0, LOCAL);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sent = await run(tools, 'nsq_to_http', [...source, `--post=http://${LOCAL}:${port}/`], {
    until: () => untilDone('nsq_to_http'),
  });
  server.close();
  findings.push(finding('nsq_to_http', [sent.code, ...posted.sort()], [0, ...BODIES.toSorted()]));

  const copies = [`--destination-topic=copy-${topic}`, `--destination-nsqd-tcp-address=${tcp}`];
  const copied = await run(tools, 'nsq_to_nsq', [...source, ...copies], {
    until: () => untilDone('nsq_to_nsq'),
  });
  const copyCount = (await topicOf(broker, `copy-${topic}`))?.message_count;
  findings.push(finding('nsq_to_nsq', [copied.code, copyCount], [0, BODIES.length]));
  return findings;
}

function finding(check: string, found: unknown, right: unknown, note = ''): Finding {
  const isRight = JSON.stringify(found) === JSON.stringify(right);
  const why = `${JSON.stringify(found)} instead of ${JSON.stringify(right)} ${note}`;
  return { check, why: isRight ? null : why };
}

function serve(family: Family, program: string, flags: readonly string[]): BrokerProcess {
  const [command, ...words] = family.command(program);
  const child = spawn(command, [...words, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  keep(child);
  return new BrokerProcess(child);
}

/** Runs a tool until it exits, or ends it with SIGTERM when `until` resolves. */
async function run(
  family: Family,
  program: string,
  flags: readonly string[],
  around: { readonly input?: string; readonly until?: () => Promise<unknown> } = {},
): Promise<{ code: number | null; output: string }> {
  const [command, ...words] = family.command(program);
  const child = spawn(command, [...words, ...flags], { stdio: ['pipe', 'pipe', 'ignore'] });
  keep(child);
  child.stdin.end(around.input ?? '');
  const ended = Promise.all([text(child.stdout), once(child, 'exit')]);
  if (around.until !== undefined) {
    await around.until();
    child.kill('SIGTERM');
  }
  const [output, [code]] = await ended;
  return { code, output };
}

function keep(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

async function publish(broker: BrokerProcess, topic: string, body: string): Promise<void> {
  await fetch(`http://${LOCAL}:${broker.httpPort}/pub?topic=${topic}`, { method: 'POST', body });
}

async function topicOf(broker: BrokerProcess, name: string): Promise<Topic | undefined> {
  const stats = JSON.parse(await broker.ask('/stats?format=json')) as { topics: Topic[] };
  return stats.topics.find((topic) => topic.topic_name === name);
}

/** How many brokers lookupd lists for a topic. */
async function producersOf(lookupd: string, topic: string): Promise<number> {
  const answer = await fetch(`http://${lookupd}/lookup?topic=${topic}`);
  if (answer.status !== 200) return 0;
  const { producers } = (await answer.json()) as { producers: unknown[] };
  return producers.length;
}

/** Resolves with true when the condition holds, or with false after some seconds. */
async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    if (await isSo()) return true;
    await pause(LOOK_MS);
  }
  return false;
}
