/**
 * Work in steps. Several pieces of work run side by side and pause before each sync of a directory, so that the first
 * of them syncs it for all.
 *
 * Thread: disk.
 */

import { rethrowBug } from '../../shared/assert.ts';

/** Work that pauses where other work should reach the same point. What it throws is its error. */
export type Steps = Generator<void, void>;

/** Does one piece of work. Errors: those of the work. */
export function runAlone(steps: Steps): void {
  while (steps.next().done !== true);
}

/** Does several, each up to its next pause before any continues. Returns the error of each, or undefined. */
export function runTogether(works: readonly Steps[]): unknown[] {
  const errors: unknown[] = works.map(() => undefined);
  let running = [...works.keys()];
  while (running.length > 0) {
    running = running.filter((index) => {
      try {
        return works[index].next().done !== true;
      } catch (error) {
        rethrowBug(error);
        errors[index] = error;
        return false;
      }
    });
  }
  return errors;
}
