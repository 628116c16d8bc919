/** Statistics of a whole broker, in which all numbers differ; a test changes those that it needs. */

import type { NodeStatistics } from '../../src/main/stats/node-statistics.ts';
import { BOUNDS_US, type Durations } from '../../src/shared/thread-meter.ts';

/** This many durations in each bucket. */
function durations(each: number): Durations {
  return { counts: new Array(BOUNDS_US.length + 1).fill(each), sumMs: 1500 * each };
}

export function nodeStatistics(changes: Partial<NodeStatistics> = {}): NodeStatistics {
  return {
    startTime: 1_700_000_000,
    isHealthy: true,
    isReady: true,
    isDraining: false,
    isStoreThere: true,
    storeStalls: 2,
    connections: { tcp: 11, http: 12, max: Number.POSITIVE_INFINITY, refused: 13 },
    failedInputs: 14,
    commands: [
      ['PUB', 15],
      ['FIN', 16],
    ],
    received: 17,
    sent: 18,
    httpAnswers: [
      ['2xx', 19],
      ['5xx', 20],
    ],
    acknowledgement: durations(1),
    publishToDeliver: durations(2),
    deliverToFinish: durations(3),
    sync: durations(4),
    loopDelay: durations(0),
    threads: [
      { name: 'main', busy: 1.5, turns: 21, heapUsed: 22, heapLimit: 23 },
      { name: 'pump-0', busy: 2.5, turns: 24, heapUsed: 25, heapLimit: 26 },
      { name: 'disk-0', busy: 3.5, turns: 27, heapUsed: 28, heapLimit: 29 },
    ],
    rings: [
      { name: 'publish', pump: 0, disk: null, used: 30, capacity: 31 },
      { name: 'request', pump: 0, disk: 0, used: 32, capacity: 33 },
    ],
    collections: [{ kind: 'minor', count: 34, seconds: 0.25 }],
    memory: {
      resident: 35,
      limit: 36,
      external: 37,
      buffers: 38,
      messages: 39,
      messagesLimit: 40,
    },
    cpu: 4.5,
    disk: { read: 41, written: 42, volume: { size: 43, free: 44, minFree: 45 } },
    ...changes,
  };
}
