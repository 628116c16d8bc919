/**
 * A publisher and a topic map on the rings of one pump.
 *
 * Thread: main.
 */

import { Acknowledgements } from '../../src/main/stats/node-meters.ts';
import { Publisher } from '../../src/main/topics/publisher.ts';
import { TopicMap } from '../../src/main/topics/topic-map.ts';
import type { MainRings } from './main-rings.ts';
import { ManualClock } from './manual-clock.ts';
import { NO_REGISTRY } from './no-registry.ts';
import { samePolicies } from './topic-policies.ts';

/** `given`: keys of the policy for all topics and channels. */
export function publisherOn(
  rings: MainRings,
  given: Parameters<typeof samePolicies>[0] = {},
): { publisher: Publisher; topics: TopicMap } {
  const topics = new TopicMap({
    atTurnEnd: () => undefined,
    clock: new ManualClock(),
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    registry: NO_REGISTRY,
    pumps: [rings.handle],
    policies: samePolicies(given),
    onChange: () => undefined,
  });
  return { publisher: new Publisher(topics, new Acknowledgements(new ManualClock())), topics };
}
