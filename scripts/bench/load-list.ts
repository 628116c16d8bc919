/** All loads, in the order in which they are explained. */

import type { Subcommand } from './load.ts';
import { CHURN } from './loads/churn.ts';
import { DEFERRED } from './loads/deferred.ts';
import { FANOUT } from './loads/fanout.ts';
import { HTTP } from './loads/http.ts';
import { IDLE } from './loads/idle.ts';
import { LATENCY } from './loads/latency.ts';
import { OVERFLOW } from './loads/overflow.ts';
import { PUB } from './loads/pub.ts';
import { PUBSUB } from './loads/pubsub.ts';
import { SUB } from './loads/sub.ts';
import { TOPICS } from './loads/topics.ts';

export const SUBCOMMANDS: readonly Subcommand[] = [
  PUB,
  SUB,
  PUBSUB,
  LATENCY,
  FANOUT,
  OVERFLOW,
  DEFERRED,
  HTTP,
  TOPICS,
  IDLE,
  CHURN,
];
