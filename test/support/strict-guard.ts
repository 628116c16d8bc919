/**
 * A guard for tests in which it must catch nothing: a line that it would log fails the test.
 *
 * Thread: main.
 */

import { Guard } from '../../src/daemon/guard.ts';
import { ManualClock } from './manual-clock.ts';

export function strictGuard(): Guard {
  return new Guard(new ManualClock(), {
    error: (text) => {
      throw new Error(text);
    },
  });
}
