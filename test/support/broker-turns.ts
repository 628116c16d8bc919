/**
 * A broker in one thread: main's part with connections, a pump and a disk, which the test steps in turns.
 *
 * Thread: any.
 */

import { setImmediate } from 'node:timers/promises';
import { Logger } from '../../src/daemon/log.ts';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { BodyMemory } from '../../src/main/limits/body-memory.ts';
import { TurnBudget } from '../../src/main/limits/turn-budget.ts';
import { completeOptions, type Options } from '../../src/main/options/options.ts';
import { Policies } from '../../src/main/policies/policies.ts';
import { type Policy, parsePolicy } from '../../src/main/policies/policy.ts';
import type { PumpHandle } from '../../src/main/pumps/pump-handle.ts';
import type { RingSizes } from '../../src/main/pumps/ring-sizes.ts';
import { planThreads } from '../../src/main/pumps/thread-plan.ts';
import { Acknowledgements } from '../../src/main/stats/node-meters.ts';
import { Traffic } from '../../src/main/stats/traffic.ts';
import { Connection } from '../../src/main/tcp/connection.ts';
import { Deadlines } from '../../src/main/tcp/deadlines.ts';
import { BrokerCore } from '../../src/main/topics/core.ts';
import type { TopicMap } from '../../src/main/topics/topic-map.ts';
import type { TopicRegistry } from '../../src/main/topics/topic-sources.ts';
import type { PumpEvent, SharedPolicy } from '../../src/shared/control.ts';
import type { StreamSettings } from '../../src/shared/thread-tasks.ts';
import type { IoLoop } from '../../src/workers/disk/io-loop.ts';
import { wireIoLoop } from '../../src/workers/disk/io-wiring.ts';
import type { PumpLoop } from '../../src/workers/pump/pump-loop.ts';
import { wirePumpLoop } from '../../src/workers/pump/pump-wiring.ts';
import type { StreamLoop } from '../../src/workers/streams/stream-loop.ts';
import { wireStreamLoop } from '../../src/workers/streams/stream-wiring.ts';
import { FakeSocket } from './fake-socket.ts';
import type { FakeStreamServer } from './fake-stream-server.ts';
import type { FakeStreamStore } from './fake-stream-store.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryFileSystem } from './memory-file-system.ts';
import { meteredThread } from './metered-thread.ts';
import { NO_REGISTRY } from './no-registry.ts';
import { strictGuard } from './strict-guard.ts';

const MACHINE = { hostname: 'host', parallelism: 2 };
const DATA_PATH = '/data';
const QUIET_TURNS = 3;

/** Capacities of the rings to the pump, and of those between the pump and the disk. */
export type TestRingSizes = {
  readonly publishBytes: number;
  readonly commandBytes: number;
  readonly otherBytes: number;
};

const RING_SIZES: TestRingSizes = {
  publishBytes: 4 * 1024 * 1024,
  commandBytes: 1024 * 1024,
  otherBytes: 4 * 1024 * 1024,
};

/** All options; missing ones have their defaults. */
export function optionsWith(given: Readonly<Record<string, unknown>>): Options {
  const options = completeOptions(new Map(Object.entries(given)), MACHINE);
  if (options instanceof InvalidValue) throw new Error(options.why);
  return options;
}

/** The sizes of all rings; missing ones are as large as a broker's. */
export function testRingSizes(given: Partial<TestRingSizes> = {}): RingSizes {
  const { publishBytes, commandBytes, otherBytes } = { ...RING_SIZES, ...given };
  return {
    publishes: publishBytes,
    commands: commandBytes,
    deliveries: otherBytes,
    requests: otherBytes,
    replies: otherBytes,
  };
}

/** A fake store needs no servers. */
const NO_SERVERS: StreamSettings = {
  servers: [],
  prefix: 'x',
  credentialsFile: '',
  tlsCaFile: '',
  tlsCertFile: '',
  tlsKeyFile: '',
};

function policyOf(pattern: string, keys: object): Policy {
  const policy = parsePolicy('p', { pattern, ...keys });
  if (policy instanceof InvalidValue) throw new Error(policy.why);
  return policy;
}

export class BrokerTurns {
  readonly clock: ManualClock;
  readonly options: Options;
  readonly fileSystem = new MemoryFileSystem(DATA_PATH);
  readonly deadlines: Deadlines;
  readonly traffic = new Traffic();
  readonly bodies: BodyMemory;
  readonly pump: PumpHandle;
  readonly topics: TopicMap;
  /** Log lines: level and text. */
  readonly log: string[] = [];
  readonly events: PumpEvent[] = [];
  /** Numbers of connections that have left their channel, and of closed ones. */
  readonly left: number[] = [];
  readonly closed: number[] = [];
  /** How often the topic map has changed. */
  changeCount = 0;
  /** Whether the pump and the disk take their turns. */
  isPumpRunning = true;
  isDiskRunning = true;
  areStreamsRunning = true;

  /** The channels of a topic that peers report. */
  channelsOf: TopicRegistry['channelsOf'] = () => undefined;

  readonly #core: BrokerCore;
  readonly #loop: PumpLoop;
  readonly #disk: IoLoop;
  readonly #streams: StreamLoop | null = null;
  readonly #logger: Logger;
  readonly #connections = new Map<number, Connection>();
  readonly #budget = new TurnBudget(
    () => {
      this.#isFlushRequested = true;
    },
    () => this.clock.monotonicMs(),
  );
  #pending: Connection[] = [];
  #isFlushRequested = false;

  /**
   * `store`: keeps the topics whose names begin with `r`.
   * Units: bytes of large bodies that are gathered at the same time.
   */
  constructor(
    given: Readonly<Record<string, unknown>> = {},
    sizes: Partial<TestRingSizes> = {},
    bodyBytesMax = Number.POSITIVE_INFINITY,
    store: {
      readonly server: FakeStreamServer;
      readonly own: FakeStreamStore;
      readonly keys: object;
    } | null = null,
  ) {
    this.clock = store?.server.clock ?? new ManualClock();
    this.options = optionsWith(given);
    this.deadlines = new Deadlines(this.clock);
    const { mainBell, pumpTasks, diskTasks, streamTask } = planThreads({
      pumpCount: 1,
      diskCount: 1,
      sizes: testRingSizes(sizes),
      pump: {
        nodeId: 1,
        memoryBudgetBytes: Number.POSITIVE_INFINITY,
        maxMsgTimeoutMs: this.options.maxMsgTimeoutMs,
        latencyPercentiles: this.options.e2eProcessingLatencyPercentile,
        latencyWindowMs: this.options.e2eProcessingLatencyWindowTimeMs,
      },
      disk: { ...this.options, dataPath: DATA_PATH },
      stream: store === null ? null : NO_SERVERS,
    });
    this.#core = new BrokerCore({
      pumps: pumpTasks,
      mainBell,
      publishTimes: new Acknowledgements(this.clock),
      clock: this.clock,
      guard: strictGuard(),
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      registry: { ...NO_REGISTRY, channelsOf: (name) => this.channelsOf(name) },
      policies: new Policies(
        this.options,
        store === null ? [] : [policyOf('r*', { store: 'nats', ...store.keys })],
      ),
      maxMsgSize: this.options.maxMsgSize,
      onChange: () => {
        this.changeCount++;
      },
      requestTurn: () => {
        this.#isFlushRequested = true;
      },
      target: (number) => this.#connections.get(number),
      flushClients: () => this.#flushClients(),
      onEvent: (event) => void this.events.push(event),
    });
    [this.pump] = this.#core.pumps;
    this.topics = this.#core.topics;
    this.#loop = wirePumpLoop(pumpTasks[0], {
      clock: this.clock,
      thread: meteredThread(),
      random: () => 0,
    });
    if (store !== null && streamTask !== null) {
      this.#streams = wireStreamLoop(streamTask, store.own, this.clock, () => undefined);
    }
    this.#disk = wireIoLoop(diskTasks[0], this.fileSystem);
    this.#logger = new Logger({
      prefix: '',
      level: 'debug',
      sink: { write: (line) => void this.log.push(line.slice(27, -1)), writeSync: () => undefined },
      clock: this.clock,
    });
    const bounds = { memberBytes: bodyBytesMax, guestBytes: bodyBytesMax };
    this.bodies = new BodyMemory(bounds, this.clock, this.#logger);
  }

  sharePolicy(policy: SharedPolicy): Promise<void> {
    return this.#core.sharePolicy(policy);
  }

  /** The connection with this number, while it exists. */
  connection(number: number): Connection | undefined {
    return this.#connections.get(number);
  }

  connections(): Iterable<Connection> {
    return this.#connections.values();
  }

  /** A client with the next number that has sent nothing yet. */
  connect(socket = new FakeSocket()): FakeSocket {
    const number = this.#connections.size + this.closed.length + 1;
    const connection = new Connection(number, socket.socket, {
      options: this.options,
      topics: this.topics,
      publisher: this.#core.publisher,
      clock: this.clock,
      deadlines: this.deadlines,
      logger: this.#logger,
      bodies: this.bodies,
      guard: strictGuard(),
      budget: this.#budget,
      onPending: (pending) => this.#pending.push(pending),
      traffic: this.traffic,
      tls: null,
      auth: null,
      httpPort: () => 4151,
      onLeft: (leaving) => this.#onLeft(leaving),
      onClosed: ({ number: closed }) => {
        this.#connections.delete(closed);
        this.closed.push(closed);
      },
    });
    this.#connections.set(number, connection);
    return socket;
  }

  /** Moves the clock, and runs turns until nothing more happens. */
  async advance(byMs: number): Promise<void> {
    this.clock.advance(byMs);
    await this.turns();
  }

  /** Takes turns until nothing more happens. */
  async turns(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      await setImmediate();
      quiet = this.#turn() ? 0 : quiet + 1;
    }
  }

  /** One turn of each part. Returns whether anything was done. */
  #turn(): boolean {
    let work = this.#isFlushRequested ? 1 : 0;
    this.#isFlushRequested = false;
    work += this.#pending.length;
    work += this.#core.endTurn();
    const nowMs = this.clock.monotonicMs();
    if (this.isPumpRunning) work += this.#loop.step(nowMs);
    if (this.areStreamsRunning) work += this.#streams?.step(nowMs) ?? 0;
    if (this.isDiskRunning) work += this.#disk.step(nowMs);
    return work > 0;
  }

  #flushClients(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const connection of pending) connection.flush();
    this.#budget.nextTurn();
  }

  #onLeft(connection: Connection): void {
    this.left.push(connection.number);
    const { state } = connection.client;
    if (state.state !== 'init') void this.topics.leave(state.channel, connection);
  }
}
