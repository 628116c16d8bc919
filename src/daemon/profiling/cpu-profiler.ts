/**
 * CPU profiles of the main thread, one at a time.
 *
 * Thread: main; profiles of pump and disk threads are not taken here.
 */

import type { Stalls } from './stalls.ts';

export class CpuProfiler {
  readonly #stalls: Stalls;
  #isRunning = false;

  constructor(stalls: Stalls) {
    this.#stalls = stalls;
  }

  /**
   * Records until `until` resolves. Shape: the profile as JSON, for browsers' developer tools. Errors: undefined, at
   * once, while another one is being recorded.
   */
  async record(until: () => Promise<void>): Promise<string | undefined> {
    if (this.#isRunning) return undefined;
    this.#isRunning = true;
    const { Session } = process.getBuiltinModule('node:inspector/promises');
    const session = new Session();
    try {
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.start');
      await until();
      const { profile } = await this.#stalls.watch('ending a CPU profile', () =>
        session.post('Profiler.stop'),
      );
      return this.#stalls.watch('writing a CPU profile', () => JSON.stringify(profile));
    } finally {
      session.disconnect();
      this.#isRunning = false;
    }
  }
}
