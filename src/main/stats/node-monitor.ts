/**
 * Reads the counters of the broker as a whole: its threads and rings, memory, disk, connections and commands. Reading
 * takes a fraction of a millisecond and involves no other thread.
 *
 * Thread: main.
 */

import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { durationsOf, METER } from '../../shared/thread-meter.ts';
import type { VolumeSpace } from '../limits/disk-space.ts';
import type { ThreadGauges } from '../pumps/thread-gauges.ts';
import type { NodeMeters } from './node-meters.ts';
import type { NodeStatistics, ThreadStatistics } from './node-statistics.ts';
import type { Traffic } from './traffic.ts';

/** The health of the broker. */
export type NodeHealth = Pick<
  NodeStatistics,
  'isHealthy' | 'isReady' | 'isDraining' | 'isStoreThere' | 'storeStalls'
>;

/** The sources of the counters. Units: bytes. */
export type NodeMonitorSetup = {
  /** Unix time in ms. */
  readonly startTimeMs: number;
  readonly gauges: ThreadGauges;
  readonly meters: NodeMeters;
  readonly connections: () => NodeStatistics['connections'];
  readonly failedInputCount: () => number;
  readonly volume: () => VolumeSpace | null;
  readonly health: () => NodeHealth;
  /** Undefined without a bound. */
  readonly memoryLimitBytes: number | undefined;
  readonly pumpBytes: number;
};

const MS_PER_SECOND = 1000;
const US_PER_SECOND = 1e6;

export class NodeMonitor {
  readonly #setup: NodeMonitorSetup;

  constructor(setup: NodeMonitorSetup) {
    this.#setup = setup;
  }

  read(): NodeStatistics {
    const { gauges, connections } = this.#setup;
    const { acknowledgements, loopDelay, memory, traffic } = this.#setup.meters;
    const pumps = gauges.pumps.map((board) => board.read());
    const disks = gauges.disks.map((board) => board.read());
    return {
      startTime: this.#setup.startTimeMs / MS_PER_SECOND,
      ...this.#setup.health(),
      connections: connections(),
      failedInputs: this.#setup.failedInputCount(),
      commands: commandsOf(traffic, pumps),
      received: traffic.receivedBytes,
      sent: traffic.sentBytes,
      httpAnswers: [2, 3, 4, 5].map((first) => [`${first}xx`, traffic.httpAnswers[first]]),
      acknowledgement: acknowledgements.read(),
      publishToDeliver: durationsOf(pumps, METER.publishToDeliver),
      deliverToFinish: durationsOf(pumps, METER.deliverToFinish),
      sync: durationsOf(disks, METER.sync),
      loopDelay: loopDelay.read(),
      threads: [
        this.#main(),
        ...pumps.map((numbers, index) => threadOf(`pump-${index}`, numbers)),
        ...disks.map((numbers, index) => threadOf(`disk-${index}`, numbers)),
      ],
      rings: gauges.rings.map((ring) => ({ ...ring, used: ring.used() })),
      collections: memory.collections.read(),
      memory: this.#memory(pumps),
      cpu: cpuSeconds(),
      disk: {
        read: sum(disks, METER.readBytes),
        written: sum(disks, METER.writtenBytes),
        volume: this.#setup.volume(),
      },
    };
  }

  #main(): ThreadStatistics {
    const heap = getHeapStatistics();
    return {
      name: 'main',
      busy: performance.eventLoopUtilization().active / MS_PER_SECOND,
      turns: this.#setup.meters.turnCount,
      heapUsed: heap.used_heap_size,
      heapLimit: heap.heap_size_limit,
    };
  }

  #memory(pumps: readonly Float64Array[]): NodeStatistics['memory'] {
    const { memoryLimitBytes, pumpBytes } = this.#setup;
    const { rss, external, arrayBuffers } = process.memoryUsage();
    const isBounded = memoryLimitBytes !== undefined;
    return {
      resident: rss,
      limit: memoryLimitBytes ?? null,
      external,
      buffers: arrayBuffers,
      messages: sum(pumps, METER.messageBytes),
      messagesLimit: isBounded ? pumpBytes * pumps.length : null,
    };
  }
}

function threadOf(name: string, numbers: Float64Array): ThreadStatistics {
  return {
    name,
    busy: numbers[METER.busyMs] / MS_PER_SECOND,
    turns: numbers[METER.turns],
    heapUsed: numbers[METER.heapUsedBytes],
    heapLimit: numbers[METER.heapLimitBytes],
  };
}

function commandsOf(
  traffic: Traffic,
  pumps: readonly Float64Array[],
): (readonly [name: string, count: number])[] {
  return [
    ['IDENTIFY', traffic.identify],
    ['AUTH', traffic.auth],
    ['SUB', traffic.sub],
    ['CLS', traffic.cls],
    ['PUB', traffic.pub],
    ['MPUB', traffic.mpub],
    ['DPUB', traffic.dpub],
    ['RDY', sum(pumps, METER.readies)],
    ['FIN', sum(pumps, METER.finishes)],
    ['REQ', sum(pumps, METER.requeues)],
    ['TOUCH', sum(pumps, METER.touches)],
    ['NOP', traffic.nop],
    ['unknown', traffic.unknown],
  ];
}

function sum(threads: readonly Float64Array[], place: number): number {
  return threads.reduce((total, numbers) => total + numbers[place], 0);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / US_PER_SECOND;
}
