/**
 * The broker's identity and health: `/ping` and `/info`.
 *
 * Thread: main.
 * Source: nsqd `pingHandler` and `doInfo`.
 */

import { NS_PER_MS } from '../../daemon/go/go-duration.ts';
import { type Answer, jsonAnswer, plainAnswer } from '../../daemon/http/answer.ts';
import type { Route } from '../../daemon/http/router.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import type { HttpBroker } from '../topics/broker.ts';

type Setup = { readonly broker: HttpBroker; readonly hostname: string };

const HEALTHY = 'OK';
const MS_PER_SECOND = 1000;

/** The endpoints `/ping` and `/info`. */
export function infoRoutes({ broker, hostname }: Setup): Route[] {
  return [
    {
      method: 'GET',
      path: '/ping',
      isQuiet: false,
      handle: (exchange) => {
        const health = broker.health();
        exchange.answer(plainAnswer(health === HEALTHY ? 200 : 500, health));
      },
    },
    {
      method: 'GET',
      path: '/info',
      isQuiet: false,
      handle: (exchange) => exchange.answer(info(broker, hostname)),
    },
  ];
}

/** Units: `start_time` in Unix seconds, intervals and timeouts in ns. */
function info(broker: HttpBroker, hostname: string): Answer {
  const { options } = broker;
  const progress = broker.drainProgress();
  return jsonAnswer({
    version: NSQD_VERSION,
    broadcast_address: options.broadcastAddress,
    hostname,
    http_port: broker.httpPort,
    tcp_port: broker.tcpPort,
    start_time: Math.floor(broker.startTimeMs / MS_PER_SECOND),
    max_heartbeat_interval: Math.round(options.maxHeartbeatIntervalMs * NS_PER_MS),
    max_output_buffer_size: options.maxOutputBufferSize,
    max_output_buffer_timeout: Math.round(options.maxOutputBufferTimeoutMs * NS_PER_MS),
    max_deflate_level: options.maxDeflateLevel,
    topology_zone: options.topologyZone,
    topology_region: options.topologyRegion,
    draining: progress === null ? undefined : { messages: progress.messages },
  });
}
