/**
 * The threads that a broker with these options has.
 *
 * Thread: main.
 */

import type { Options } from '../options/options.ts';
import { ringSizes } from './ring-sizes.ts';
import { planThreads, type ThreadPlan } from './thread-plan.ts';

/** Units: `memoryBudgetBytes` for the messages of each pump thread. */
export function planBroker(options: Options, memoryBudgetBytes: number): ThreadPlan {
  return planThreads({
    pumpCount: options.pumpThreads,
    diskCount: options.diskThreads,
    sizes: ringSizes(options.maxMsgSize),
    pump: {
      nodeId: options.nodeId,
      memoryBudgetBytes,
      maxMsgTimeoutMs: options.maxMsgTimeoutMs,
      latencyPercentiles: options.e2eProcessingLatencyPercentile,
      latencyWindowMs: options.e2eProcessingLatencyWindowTimeMs,
    },
    disk: {
      dataPath: options.dataPath,
      maxBytesPerFile: options.maxBytesPerFile,
      maxMsgSize: options.maxMsgSize,
      syncEvery: options.syncEvery,
      syncTimeoutMs: options.syncTimeoutMs,
    },
    stream:
      options.natsUrl === ''
        ? null
        : {
            servers: options.natsUrl.split(','),
            prefix: options.natsPrefix,
            credentialsFile: options.natsCredentials,
            tlsCaFile: options.natsTlsCa,
            tlsCertFile: options.natsTlsCert,
            tlsKeyFile: options.natsTlsKey,
          },
  });
}
