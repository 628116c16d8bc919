/**
 * The resources that a broker uses, measured from outside.
 */

import { readdirSync } from 'node:fs';
import type { BrokerProcess } from '../../kit/broker.ts';
import { descriptorCountOf, residentMibOf } from '../../kit/proc.ts';

/** The resources that are sampled. */
export const MEASURES = ['resident', 'heap', 'descriptors', 'files', 'held'] as const;

/** A resource. */
export type Measure = (typeof MEASURES)[number];

/** The values at one time. Units: `resident` and `heap` in MiB, `held` in messages; NaN if unknown. */
export type Sample = Readonly<Record<Measure, number>>;

const MIB = 1024 * 1024;

type Counts = {
  readonly depth: number;
  readonly in_flight_count?: number;
  readonly deferred_count?: number;
};
type Stats = {
  readonly topics: readonly (Counts & { readonly channels: readonly Counts[] })[] | null;
  readonly memory?: { readonly heap_in_use_bytes: number };
};

/** Takes a sample. Errors: rejects if the broker does not answer. */
export async function takeSample(broker: BrokerProcess, dataPath: string): Promise<Sample> {
  // nsqd's own format
  const stats = JSON.parse(await broker.ask('/stats?format=json&include_clients=false')) as Stats;
  return {
    resident: residentMibOf(broker.pid) ?? Number.NaN,
    heap: (stats.memory?.heap_in_use_bytes ?? Number.NaN) / MIB,
    descriptors: descriptorCountOf(broker.pid) ?? Number.NaN,
    files: readdirSync(dataPath, { recursive: true }).length,
    held: heldMessages(stats),
  };
}

function heldMessages({ topics }: Stats): number {
  let held = 0;
  for (const topic of topics ?? []) {
    for (const { depth, in_flight_count = 0, deferred_count = 0 } of [topic, ...topic.channels]) {
      held += depth + in_flight_count + deferred_count;
    }
  }
  return held;
}
