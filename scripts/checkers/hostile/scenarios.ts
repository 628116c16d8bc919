/**
 * All scenarios.
 */

import type { Scenario } from './attack.ts';
import { BOMBS } from './bombs.ts';
import { COMMAND_LIES } from './commands.ts';
import { CONNECTIONS } from './connections.ts';
import { DEFLATE_CLIENTS } from './deflate-clients.ts';
import { GIANT_TOPICS } from './giant-topics.ts';
import { HTTP } from './http.ts';
import { SLOW_CLIENTS } from './slow-clients.ts';
import { STALLED_BODIES } from './stalled-bodies.ts';
import { UNTAKEN_ANSWERS } from './untaken-answers.ts';

/** In the order in which they are run. */
export const SCENARIOS: readonly Scenario[] = [
  ...CONNECTIONS,
  ...COMMAND_LIES,
  ...BOMBS,
  ...HTTP,
  ...SLOW_CLIENTS,
  ...STALLED_BODIES,
  ...UNTAKEN_ANSWERS,
  ...DEFLATE_CLIENTS,
  ...GIANT_TOPICS,
];
