/**
 * Nodes as rows of the page.
 *
 * Thread: any (pure).
 */

import type { LiveRow } from '../../../daemon/page/live-rows.ts';
import type { FleetNode } from './fleet-node.ts';
import { rowSum } from './fleet-sum.ts';

/** A node; `topic` is its host's name, `name` its address. The numbers are of the node, or of one queue of it. */
export type NodeRow = LiveRow & {
  readonly version: string;
  readonly isOutOfDate: boolean;
  readonly zone: string;
  /** nsqlookupds that list it. */
  readonly lookups: readonly string[];
  readonly topics: number;
  readonly tombstones: number;
  /** Whether it is hidden from the consumers of the topic that is shown. */
  readonly isTombstoned: boolean;
  /** Why it does not answer; null if it does. */
  readonly error: string | null;
  readonly health: string;
  readonly hasPage: boolean;
  /** Units: Unix ms; 0 if it is not known. */
  readonly startTimeMs: number;
};

/** Everything that a node has. */
export function nodeRow(node: FleetNode): NodeRow {
  const live = node.state?.live;
  const sum = rowSum(node.producer.hostname, node.address, live?.topics ?? []);
  return described(node, { ...sum, isPaused: false, channels: live?.channels.length ?? 0 });
}

/** A row for each node that has a topic, or one of its channels. */
export function queueNodeRows(
  nodes: readonly FleetNode[],
  topic: string,
  channel: string,
): NodeRow[] {
  const rows: NodeRow[] = [];
  for (const node of nodes) {
    const live = node.state?.live;
    const row =
      channel === ''
        ? live?.topics.find(({ name }) => name === topic)
        : live?.channels.find((one) => one.topic === topic && one.name === channel);
    if (row === undefined) continue;
    const named = { ...row, topic: node.producer.hostname, name: node.address };
    rows.push({ ...described(node, named), isTombstoned: tombstonesOf(node).includes(topic) });
  }
  return rows;
}

/** The topics from whose consumers a node is hidden. */
export function tombstonesOf({ producer }: Pick<FleetNode, 'producer'>): string[] {
  return (producer.topics ?? []).filter(({ tombstoned }) => tombstoned).map(({ topic }) => topic);
}

function described({ producer, state, error, hasPage }: FleetNode, row: LiveRow): NodeRow {
  const { version, out_of_date: isOutOfDate, topology_zone: zone = '' } = producer;
  return {
    ...row,
    version,
    isOutOfDate,
    zone,
    lookups: producer.remote_addresses ?? [],
    topics: state?.live.topics.length ?? 0,
    tombstones: tombstonesOf({ producer }).length,
    isTombstoned: false,
    error: error ?? (state === null ? 'it has not answered yet' : null),
    health: state?.health ?? '',
    hasPage: hasPage === true,
    startTimeMs: state?.startTimeMs ?? 0,
  };
}
