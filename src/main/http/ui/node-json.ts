/**
 * What the page shows of threads, rings, memory and disk.
 *
 * Shape: counters and histograms are since the start; the page shows how far they have come.
 * Thread: main.
 */

import { BOUNDS_US } from '../../../shared/histogram.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { PageSource } from './page-source.ts';

/** As a value that can be written as JSON. */
export function nodeJson(node: NodeStatistics, { history }: Pick<PageSource, 'history'>): object {
  return {
    cpu: node.cpu,
    received: node.received,
    sent: node.sent,
    failedInputs: node.failedInputs,
    refused: node.connections.refused,
    threads: node.threads,
    rings: node.rings,
    collections: node.collections,
    memory: node.memory,
    disk: node.disk,
    commands: node.commands,
    httpAnswers: node.httpAnswers,
    boundsUs: BOUNDS_US,
    times: [
      ['publish acknowledgement', node.acknowledgement.counts],
      ['publish to delivery', node.publishToDeliver.counts],
      ['delivery to finish', node.deliverToFinish.counts],
      ['fsync', node.sync.counts],
      ['event loop delay', node.loopDelay.counts],
    ],
    withoutHistory: history.leftOutCount,
  };
}
