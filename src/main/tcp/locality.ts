/**
 * The locality of a client, from the zone and region of client and broker.
 *
 * Thread: main. Source: nsqd's experiment `topology-aware-consumption`.
 */

import type { Locality } from '../../shared/control.ts';
import { type Options, TOPOLOGY_EXPERIMENT } from '../options/options.ts';
import type { ClientSettings } from './client.ts';

/** Without the experiment all clients count as global. */
export function localityOf(
  settings: Pick<ClientSettings, 'topologyRegion' | 'topologyZone'>,
  options: Pick<Options, 'enableExperiment' | 'topologyRegion' | 'topologyZone'>,
): Locality {
  if (!options.enableExperiment.includes(TOPOLOGY_EXPERIMENT)) return 'global';
  if (settings.topologyZone === options.topologyZone) return 'zone';
  return settings.topologyRegion === options.topologyRegion ? 'region' : 'global';
}
