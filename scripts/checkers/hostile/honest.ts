/**
 * The honest pair as others see it.
 */

import { Worker } from 'node:worker_threads';

/** A message that is on its way for so long counts as lost. */
export const LOST_MS = 2000;

/** The pairs that every scenario is judged by: a broker may drop what is ephemeral, and delay what is not. */
export const PAIRS: readonly PairNames[] = [
  { kind: 'ordinary', topic: 'honest', channel: 'channel' },
  { kind: 'ephemeral', topic: 'honest#ephemeral', channel: 'channel#ephemeral' },
];

/** Which pair it is, and where it meets. */
export type PairNames = {
  readonly kind: string;
  readonly topic: string;
  readonly channel: string;
};

/** What the pair is started with. */
export type HonestSetup = PairNames & { readonly host: string; readonly tcpPort: number };

/** What the pair has noticed since it was asked before. Units: ms. */
export type Honest = {
  readonly latencies: readonly number[];
  /** Publishes that were not answered with OK. */
  readonly refused: number;
  /** The age of the oldest message that is still on its way. */
  readonly oldestMs: number;
  readonly isConnected: boolean;
};

export class HonestPair {
  readonly kind: string;
  readonly #worker: Worker;
  #waiting: PromiseWithResolvers<Honest> | undefined;
  #failure: Error | undefined;

  constructor(setup: HonestSetup) {
    this.kind = setup.kind;
    this.#worker = new Worker(new URL('./honest-pair.ts', import.meta.url), { workerData: setup });
    // the pair posts nothing else
    this.#worker.on('message', (told: Honest) => this.#waiting?.resolve(told));
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', () => this.#fail(new Error('the honest pair has ended')));
  }

  /** What it has noticed since. Errors: rejects when the pair cannot go on. */
  async ask(): Promise<Honest> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiting = Promise.withResolvers<Honest>();
    this.#worker.postMessage('ask');
    return await this.#waiting.promise;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
  }
}

/** A percentile of the latencies; a message that is still on its way counts with its age. */
export function percentile({ latencies, oldestMs }: Honest, share: number): number {
  const sorted = [...latencies, ...(oldestMs > 0 ? [oldestMs] : [])].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
