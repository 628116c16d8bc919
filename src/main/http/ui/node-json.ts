/**
 * The page's data on threads, rings, memory and disk.
 *
 * Shape: counters and histograms are totals since the start; the page computes differences.
 * Thread: main.
 */

import { BOUNDS_US } from '../../../shared/thread-meter.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { PageSource } from './page-source.ts';

/** The same as a JSON value. */
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
