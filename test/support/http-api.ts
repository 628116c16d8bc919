/**
 * The HTTP API over a broker that only records its calls, and a client that writes any bytes.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { ConnectionLimit } from '../../src/daemon/connection-limit.ts';
import { Guard } from '../../src/daemon/guard.ts';
import { HttpServer } from '../../src/daemon/http/http-server.ts';
import { UnfinishedHeads } from '../../src/daemon/http/unfinished-heads.ts';
import { Logger, type LogLevel } from '../../src/daemon/log.ts';
import { LogTail } from '../../src/daemon/log-tail.ts';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { Access } from '../../src/main/access/access.ts';
import { HttpAccess } from '../../src/main/http/http-access.ts';
import { HttpApi } from '../../src/main/http/http-api.ts';
import { PublishLane } from '../../src/main/http/lane/publish-lane.ts';
import type { PageSource } from '../../src/main/http/ui/page-source.ts';
import { BodyMemory } from '../../src/main/limits/body-memory.ts';
import { TurnBudget } from '../../src/main/limits/turn-budget.ts';
import { completeOptions, type Options } from '../../src/main/options/options.ts';
import { TurnOutput } from '../../src/main/pumps/turn.ts';
import { History } from '../../src/main/stats/history.ts';
import { type ReadinessReasons, readinessChecks } from '../../src/main/stats/readiness.ts';
import type { BrokerStats, StatsFilter } from '../../src/main/stats/stats.ts';
import type { HttpBroker, ReloadReport } from '../../src/main/topics/broker.ts';
import type { DrainProgress } from '../../src/main/topics/drain.ts';
import { ManualClock } from './manual-clock.ts';
import { nodeStatistics } from './node-statistics.ts';
import { policyStoreOf } from './policy-store.ts';
import { brokerStatistics } from './statistics.ts';

const MACHINE = { hostname: 'host', parallelism: 2 };

/** Records calls as lines, in order. */
export class FakeBroker implements HttpBroker {
  options: Options;
  readonly startTimeMs = 1_700_000_000_000;
  readonly tcpPort = 4150;
  readonly httpPort = 4151;
  refusedConnectionCount = 0;
  failedInputCount = 0;
  readonly topics = new Map<string, Set<string>>();
  readonly calls: string[] = [];
  readonly filters: StatsFilter[] = [];
  healthText = 'OK';
  progress: DrainProgress | null = null;
  report: ReloadReport = { taken: [], failed: [], restart: [] };
  readiness: ReadinessReasons = { start: null, drain: null, disk: null, space: null };
  statistics: BrokerStats = brokerStatistics();
  /** Makes the operations of the broker fail. */
  failure: Error | undefined;
  /** Messages that the pump would find; none by default. */
  messages: HttpBroker['messages'] = {
    list: async () => ({ messages: [], cursor: null }),
    find: async () => undefined,
    work: async () => ({ count: 0, notFound: [], cursor: null, failure: null }),
    move: async () => ({ count: 0, notFound: [], cursor: null, failure: null }),
  };
  /** Publishing and creating topics wait for this. */
  gate: Promise<void> = Promise.resolve();
  /** Why no channel can begin with kept messages, or null. */
  startRefusal: string | null = null;
  /** Whether a publish to an existing topic is accepted at once. */
  isReady = false;

  constructor(given: Record<string, unknown> = {}) {
    const options = completeOptions(new Map(Object.entries(given)), MACHINE);
    if (options instanceof InvalidValue) throw new Error(options.why);
    this.options = options;
  }

  health(): string {
    return this.healthText;
  }

  hasTopic(topic: string): boolean {
    return this.topics.has(topic);
  }

  hasChannel(topic: string, channel: string): boolean {
    return this.topics.get(topic)?.has(channel) === true;
  }

  async createTopic(topic: string): Promise<void> {
    await this.#work(`createTopic ${topic}`);
    if (!this.topics.has(topic)) this.topics.set(topic, new Set());
  }

  async createChannel(topic: string, channel: string): Promise<void> {
    await this.#work(`createChannel ${topic} ${channel}`);
    this.topics.get(topic)?.add(channel);
  }

  async startChannel(topic: string, channel: string, start: object): Promise<string | null> {
    await this.#work(`startChannel ${topic} ${channel} ${JSON.stringify(start)}`);
    return this.startRefusal;
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#work(`deleteTopic ${topic}`);
    this.topics.delete(topic);
  }

  async deleteChannel(topic: string, channel: string): Promise<void> {
    await this.#work(`deleteChannel ${topic} ${channel}`);
    this.topics.get(topic)?.delete(channel);
  }

  emptyTopic(topic: string): Promise<void> {
    return this.#work(`emptyTopic ${topic}`);
  }

  emptyChannel(topic: string, channel: string): Promise<void> {
    return this.#work(`emptyChannel ${topic} ${channel}`);
  }

  pauseTopic(topic: string, isPaused: boolean): Promise<void> {
    return this.#work(`pauseTopic ${topic} ${isPaused}`);
  }

  pauseChannel(topic: string, channel: string, isPaused: boolean): Promise<void> {
    return this.#work(`pauseChannel ${topic} ${channel} ${isPaused}`);
  }

  tryPublish(topic: string, messages: Buffer, count: number, deferMs: number): boolean {
    if (!this.isReady || !this.topics.has(topic)) return false;
    this.calls.push(publishCall(topic, messages, count, deferMs));
    return true;
  }

  publish(topic: string, messages: Buffer, count: number, deferMs: number): Promise<void> {
    return this.#work(publishCall(topic, messages, count, deferMs));
  }

  beginDrain(): void {
    this.progress = { messages: null };
  }

  drainProgress(): DrainProgress | null {
    return this.progress;
  }

  async stats(filter: StatsFilter): Promise<BrokerStats> {
    this.filters.push(filter);
    return this.statistics;
  }

  optionsInForce(): Options {
    return this.options;
  }

  setLogLevel(logLevel: LogLevel): void {
    this.options = { ...this.options, logLevel };
  }

  setLookupdAddresses(lookupdTcpAddress: readonly string[]): void {
    this.options = { ...this.options, lookupdTcpAddress: [...lookupdTcpAddress] };
  }

  async reload(): Promise<ReloadReport> {
    this.calls.push('reload');
    return this.report;
  }

  async #work(call: string): Promise<void> {
    this.calls.push(call);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
  }
}

function publishCall(topic: string, messages: Buffer, count: number, deferMs: number): string {
  return `publish ${topic} ${count} ${deferMs} ${JSON.stringify(sizedBodies(messages))}`;
}

/** Messages of `size(4) body(size)` as texts; an incomplete one causes an exception. */
function sizedBodies(messages: Buffer): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < messages.length; ) {
    const end = at + 4 + messages.readUInt32BE(at);
    if (end > messages.length) throw new Error('the messages are cut off');
    bodies.push(messages.toString('latin1', at + 4, end));
    at = end;
  }
  return bodies;
}

/** The API, listening on its own port, with everything that it logs. */
export type RunningApi = {
  readonly api: HttpApi;
  readonly broker: FakeBroker;
  readonly server: HttpServer;
  readonly clock: ManualClock;
  readonly bodies: BodyMemory;
  readonly log: string[];
  /** The statuses of all answers, as they were counted. */
  readonly statuses: number[];
  /** The page's history of the last hour. */
  readonly history: History;
  readonly port: number;
};

const NODE = nodeStatistics();

const MEMORY = {
  heapObjects: 0,
  heapIdleBytes: 1,
  heapInUseBytes: 2,
  heapReleasedBytes: 3,
  gcPauseUsec100: 4,
  gcPauseUsec99: 5,
  gcPauseUsec95: 6,
  nextGcBytes: 7,
  gcTotalRuns: 8,
};

/** The limits of the API, and whether publishes use the fast lane, as in the broker. */
type ApiSetup = {
  readonly connectionsMax?: number;
  readonly bodyBytes?: number;
  readonly hasLane?: boolean;
  /** The text of the access file. */
  readonly accessFile?: string;
};

export async function startApi(
  t: Pick<TestContext, 'after'>,
  given: Record<string, unknown> = {},
  setup: ApiSetup = {},
): Promise<RunningApi> {
  const broker = new FakeBroker(given);
  const log: string[] = [];
  const statuses: number[] = [];
  const clock = new ManualClock();
  const logger = new Logger({
    prefix: '',
    level: 'info',
    sink: { write: (line) => void log.push(line.slice(27, -1)), writeSync: () => undefined },
    clock,
  });
  const { connectionsMax = Number.POSITIVE_INFINITY, bodyBytes = Number.POSITIVE_INFINITY } = setup;
  const bodies = new BodyMemory({ memberBytes: bodyBytes, guestBytes: bodyBytes }, clock, logger);
  const guard = new Guard(clock, logger);
  const access = setup.accessFile === undefined ? null : await httpAccess(setup.accessFile, clock);
  const history = new History();
  const tail = new LogTail(clock);
  logger.copyTo(tail);
  const api = new HttpApi({
    broker,
    logger,
    clock,
    guard,
    bodies,
    countAnswer: (status) => void statuses.push(status),
    hostname: 'host',
    policies: policyStoreOf(),
    memory: () => MEMORY,
    metrics: {
      stats: (filter) => broker.stats(filter),
      node: () => NODE,
      topicsMax: broker.options.metricsTopicsMax,
    },
    readiness: () => readinessChecks(broker.readiness),
    access,
    page: broker.options.ui ? pageSource(broker, history, tail) : null,
  });
  let isTurnRequested = false;
  const requestTurn = (): void => {
    if (isTurnRequested) return;
    isTurnRequested = true;
    setImmediate(() => {
      isTurnRequested = false;
      output.flush();
      budget.nextTurn();
    });
  };
  const output = new TurnOutput(guard, requestTurn);
  const budget = new TurnBudget(requestTurn, () => clock.monotonicMs());
  const lane: PublishLane = new PublishLane({
    endpoints: api.publishing,
    access,
    clock,
    guard,
    bodies,
    countAnswer: (status) => void statuses.push(status),
    isOwnHost: (host) => api.isOwnHost(host),
    onPending: (client) => output.add(client),
    budget,
  });
  const server = new HttpServer({
    handle: (request) => api.handle(request),
    refuseConnect: (target) => api.connectRefusal(target),
    clock,
    limit: new ConnectionLimit(connectionsMax, clock, logger),
    heads: new UnfinishedHeads(clock, logger),
    guard,
    tls: null,
    lane: setup.hasLane === false ? undefined : lane,
  });
  const { port } = await server.start({ host: '127.0.0.1', port: 0 });
  t.after(() => server.stop());
  return { api, broker, server, clock, bodies, log, statuses, history, port };
}

async function httpAccess(text: string, clock: ManualClock): Promise<HttpAccess> {
  const access = await Access.load('access.toml', clock, async () => text);
  if (access instanceof InvalidValue) throw new Error(access.why);
  return new HttpAccess(access);
}

function pageSource(broker: FakeBroker, history: History, tail: LogTail): PageSource {
  return {
    history,
    tail,
    stats: (filter) => broker.stats(filter),
    node: () => NODE,
    readiness: () => readinessChecks(broker.readiness),
  };
}

/** An answer as it was received. Shape: header names in lower case. */
export type RawAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

const HEAD_END = '\r\n\r\n';

/** A connection that writes exactly the given bytes, and reads answers one by one. */
export class RawClient {
  readonly socket: Socket;
  #received = '';
  #isEnded = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
    });
    socket.on('end', () => {
      this.#isEnded = true;
    });
    // A reset appears as the end of the input.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isEnded = true;
    });
  }

  static async connect(t: TestContext, port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay();
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  write(text: string | Buffer): void {
    this.socket.write(text, 'latin1');
  }

  /** Writes in parts, each of which is sent before the next one. */
  async writeParts(parts: readonly string[]): Promise<void> {
    for (const part of parts) {
      await new Promise((resolve) => this.socket.write(part, 'latin1', resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next answer; undefined if the connection ends without one. `method` determines whether it has a body. */
  async answer(method = 'GET'): Promise<RawAnswer | undefined> {
    for (;;) {
      const answer = this.#takeAnswer(method);
      if (answer !== undefined) return answer;
      if (this.#isEnded) return undefined;
      await this.#somethingHappens();
    }
  }

  /** Resolves when the server has closed, with the input that was not read as an answer. */
  async end(): Promise<string> {
    while (!this.#isEnded) await this.#somethingHappens();
    return this.#received;
  }

  #takeAnswer(method: string): RawAnswer | undefined {
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) return undefined;
    const [line, ...fields] = this.#received.slice(0, headEnd).split('\r\n');
    const headers = Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(': ');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 2)];
      }),
    );
    const status = Number(line.split(' ')[1]);
    const bodyStart = headEnd + HEAD_END.length;
    const hasBody = method !== 'HEAD' && status !== 100;
    const length = hasBody ? Number(headers['content-length'] ?? 0) : 0;
    if (this.#received.length < bodyStart + length) return undefined;
    const body = this.#received.slice(bodyStart, bodyStart + length);
    this.#received = this.#received.slice(bodyStart + length);
    return { status, headers, body };
  }

  #somethingHappens(): Promise<void> {
    return new Promise((resolve) => {
      const events = ['data', 'end', 'close'];
      const onEvent = (): void => {
        for (const event of events) this.socket.off(event, onEvent);
        resolve();
      };
      for (const event of events) this.socket.on(event, onEvent);
    });
  }
}

/** One request on its own connection. Shape: `what` is `METHOD /path?query`. */
export async function request(
  t: TestContext,
  port: number,
  what: string,
  body = '',
  fields: readonly string[] = [],
): Promise<RawAnswer> {
  const client = await RawClient.connect(t, port);
  const method = what.split(' ')[0];
  const head = [`${what} HTTP/1.1`, 'Host: x', `Content-Length: ${body.length}`, ...fields];
  client.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const answer = await client.answer(method);
  if (answer === undefined) throw new Error(`no answer to "${what}"`);
  client.socket.destroy();
  return answer;
}
