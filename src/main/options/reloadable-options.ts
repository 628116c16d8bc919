/**
 * The options that can change while the broker runs.
 *
 * Every part of the broker reads them when it needs them, from the one object of options in force. Clients keep what
 * they negotiated.
 *
 * Thread: any.
 */

import type { Options } from './options.ts';

/** By name in code. */
export const RELOADABLE_OPTIONS: ReadonlySet<keyof Options> = new Set<keyof Options>([
  'logLevel',
  'lookupdTcpAddress',
  'msgTimeoutMs',
  'maxReqTimeoutMs',
  'memQueueSize',
  'maxDepth',
  'maxBytes',
  'whenFull',
  'maxRdyCount',
  'maxChannelConsumers',
  'maxHeartbeatIntervalMs',
  'maxOutputBufferSize',
  'maxOutputBufferTimeoutMs',
  'minOutputBufferTimeoutMs',
  'outputBufferTimeoutMs',
  'deflate',
  'maxDeflateLevel',
  'snappy',
]);
