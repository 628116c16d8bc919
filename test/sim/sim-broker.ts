/**
 * A whole broker in one thread, without sockets: main's half of the rings, the pump loops and the ioLoops, over
 * a disk in memory. Nothing runs by itself: the simulation gives the turns, and moves the clock.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { PumpHandle } from '../../src/main/pumps/pump-handle.ts';
import { planThreads } from '../../src/main/pumps/thread-plan.ts';
import { Acknowledgements } from '../../src/main/stats/node-meters.ts';
import { BrokerCore, type CoreEvent } from '../../src/main/topics/core.ts';
import type { Publisher } from '../../src/main/topics/publisher.ts';
import type { TopicMap } from '../../src/main/topics/topic-map.ts';
import type { ControlReply, ControlRequest } from '../../src/shared/control.ts';
import { Doorbell } from '../../src/shared/ring/doorbell.ts';
import { wireIoLoop } from '../../src/workers/disk/io-wiring.ts';
import type { PumpLoop } from '../../src/workers/pump/pump-loop.ts';
import { wirePumpLoop } from '../../src/workers/pump/pump-wiring.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import type { MemoryFileSystem } from '../support/memory-file-system.ts';
import { meteredThread } from '../support/metered-thread.ts';
import { NO_REGISTRY } from '../support/no-registry.ts';
import type { Random } from '../support/seeded-random.ts';
import { strictGuard } from '../support/strict-guard.ts';
import { samePolicies } from '../support/topic-policies.ts';
import { keysOfBodies } from './bodies.ts';
import type { Ledger } from './ledger.ts';
import { LoopThread } from './loop-thread.ts';
import { PumpWatch } from './pump-watch.ts';
import { UNIX_OFFSET_MS } from './queue-watch.ts';
import type { Scenario } from './scenario.ts';
import type { SimConsumer } from './sim-consumer.ts';
import type { Trace } from './trace.ts';

/** Where the disk in memory keeps the queues. */
export const DATA_PATH = '/data';
/** The least that the batches of `PumpHandle` and `Delivery` need, so that the rings run full. */
const PUBLISH_RING_BYTES = 128 * 1024;
const COMMAND_RING_BYTES = 512 * 1024;
const NS_PER_MS = 1e6;

/** The dependencies of a broker. */
export type SimBrokerOptions = {
  readonly scenario: Scenario;
  readonly disk: MemoryFileSystem;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly trace: Trace;
  /** The client of that number. */
  readonly target: (consumer: number) => SimConsumer;
};

export class SimBroker {
  readonly topics: TopicMap;
  readonly publisher: Publisher;
  readonly pumps: readonly PumpHandle[];
  readonly watches: readonly PumpWatch[];
  readonly loops: readonly PumpLoop[];
  readonly threads: readonly LoopThread[];
  /** Errors in the log. */
  readonly errors: string[] = [];

  readonly #options: SimBrokerOptions;
  readonly #core: BrokerCore;
  readonly #mainBell: Doorbell;
  #isTurnRequested = true;
  #rings = 0;

  constructor(options: SimBrokerOptions) {
    const { scenario, clock, disk, trace } = options;
    this.#options = options;
    const { mainBell, pumpTasks, diskTasks } = planThreads({
      pumpCount: scenario.pumpCount,
      diskCount: scenario.diskCount,
      sizes: {
        publishes: PUBLISH_RING_BYTES,
        commands: COMMAND_RING_BYTES,
        deliveries: scenario.deliverRingBytes,
        requests: scenario.diskRingBytes,
        replies: scenario.diskRingBytes,
      },
      pump: {
        nodeId: 0,
        maxMsgTimeoutMs: scenario.maxMsgTimeoutMs,
        memoryBudgetBytes: scenario.memoryBudgetBytes,
        latencyPercentiles: [],
        latencyWindowMs: 600_000,
      },
      stream: null,
      disk: {
        dataPath: DATA_PATH,
        maxBytesPerFile: scenario.maxBytesPerFile,
        maxMsgSize: scenario.bodyBytesMax,
        syncEvery: scenario.syncEvery,
        syncTimeoutMs: scenario.syncTimeoutMs,
      },
    });
    this.#mainBell = new Doorbell(mainBell);
    this.#core = new BrokerCore({
      pumps: pumpTasks,
      mainBell,
      publishTimes: new Acknowledgements(clock),
      clock,
      guard: strictGuard(),
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      registry: NO_REGISTRY,
      policies: samePolicies(
        scenario.isSynced
          ? { memQueueSize: 0, acknowledge: 'fsync' }
          : { memQueueSize: scenario.memQueueSize },
      ),
      maxMsgSize: 1024 * 1024,
      onChange: () => undefined,
      requestTurn: () => {
        this.#isTurnRequested = true;
      },
      target: options.target,
      flushClients: () => undefined,
      onEvent: (event) => this.#onEvent(event),
    });
    this.pumps = this.#core.pumps;
    this.topics = this.#core.topics;
    this.publisher = this.#core.publisher;
    for (const pump of this.pumps) this.#watchPublishes(pump);
    const watches: PumpWatch[] = [];
    this.loops = pumpTasks.map((task, index) =>
      wirePumpLoop(
        // Each gives out ids of its own.
        { ...task, nodeId: index },
        {
          clock: {
            monotonicMs: () => clock.monotonicMs(),
            unixNs: () => BigInt((clock.monotonicMs() + UNIX_OFFSET_MS) * NS_PER_MS),
          },
          ...(scenario.backlogBounds && { backlogBounds: scenario.backlogBounds }),
          ...(scenario.fanOutBounds && { fanOutBounds: scenario.fanOutBounds }),
          thread: meteredThread(),
          random: () => {
            const value = options.random(1000) / 1000;
            watches[index].onRandom(value);
            return value;
          },
        },
      ),
    );
    const { ledger } = options;
    for (const [index, loop] of this.loops.entries()) {
      const { deliveries } = pumpTasks[index];
      watches.push(new PumpWatch(loop, deliveries, ledger, trace, scenario.bodyBytesMax));
    }
    this.watches = watches;
    const ioLoops = diskTasks.map((task) => wireIoLoop(task, disk));
    this.threads = [
      ...this.loops.map(
        (loop, index) => new LoopThread(`pump ${index}`, loop, new Doorbell(pumpTasks[index].bell)),
      ),
      ...ioLoops.map(
        (loop, index) => new LoopThread(`disk ${index}`, loop, new Doorbell(diskTasks[index].bell)),
      ),
    ];
  }

  /** Whether main has something to do: what it wants itself, or what its bell was rung for. */
  get isMainRunnable(): boolean {
    return this.#isTurnRequested || this.#mainBell.rings() !== this.#rings;
  }

  get isDone(): boolean {
    return this.threads.every((thread) => thread.isDone);
  }

  /** One turn of main. */
  mainTurn(): void {
    this.#mainBell.wakeUp();
    this.#isTurnRequested = false;
    this.#core.endTurn();
    this.#rings = this.#mainBell.rings();
    this.#mainBell.fallAsleep();
    // Whatever was published before the flag was seen is found here.
    if (this.#core.read() > 0) this.#isTurnRequested = true;
  }

  /** One turn of a pump or disk thread. */
  turn(thread: LoopThread): void {
    const nowMs = this.#options.clock.monotonicMs();
    const watch = this.watches[this.threads.indexOf(thread)];
    watch?.beginTurn(nowMs);
    thread.turn(nowMs);
    watch?.endTurn();
  }

  /** The pump of a topic or channel, as one watches it. */
  watchOf(pump: PumpHandle): PumpWatch {
    return this.watches[this.pumps.indexOf(pump)];
  }

  requestAll(what: 'settle' | 'close' | 'stats'): Promise<ControlReply[]> {
    return Promise.all(
      this.pumps.map((pump) => pump.request(what === 'stats' ? this.#statsOf(pump) : { do: what })),
    );
  }

  /** Requests the counters of everything on a pump. */
  #statsOf(pump: PumpHandle): ControlRequest {
    const { topics, channels, consumers } = this.loops[this.pumps.indexOf(pump)].state;
    return {
      do: 'stats',
      topics: [...topics.keys()],
      channels: [...channels.keys()],
      consumers: [...consumers.keys()],
    };
  }

  #watchPublishes(pump: PumpHandle): void {
    const publish = pump.publish.bind(pump);
    pump.publish = (topic, batch, token, part) => {
      const isTaken = publish(topic, batch, token, part);
      const isThere = this.topics.getByNumber(topic)?.isDeleted === false;
      if (isTaken && isThere) {
        this.#options.ledger.onSent(topic, keysOfBodies(batch.source, batch.at, batch.count));
      }
      return isTaken;
    };
  }

  #onEvent(event: CoreEvent): void {
    if (event.event === 'log') {
      this.#options.trace.add(`log ${event.level} ${event.text}`);
      assert.ok(
        event.level !== 'error' || this.#options.scenario.diskFaults !== 'none',
        event.text,
      );
      if (event.level === 'error') this.errors.push(event.text);
      return;
    }
    assert.equal(event.event, 'backend', 'there is no store');
    this.#options.trace.add(`backend of topic ${event.topic}: ${event.error}`);
  }
}
