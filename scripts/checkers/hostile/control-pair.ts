/**
 * The control pairs: well-behaved clients whose latency every scenario measures.
 */

import { Worker } from 'node:worker_threads';

/** A message that is on its way for this long counts as lost. */
export const LOST_MS = 2000;

/** The pairs for every scenario: a broker may drop ephemeral messages, and delay others. */
export const PAIRS: readonly PairNames[] = [
  { kind: 'ordinary', topic: 'control', channel: 'channel' },
  { kind: 'ephemeral', topic: 'control#ephemeral', channel: 'channel#ephemeral' },
];

/** The kind of a pair, and its topic and channel. */
export type PairNames = {
  readonly kind: string;
  readonly topic: string;
  readonly channel: string;
};

/** The parameters of a pair's thread. */
export type ControlPairSetup = PairNames & { readonly host: string; readonly tcpPort: number };

/** The measurements of a pair since the last reading. Units: ms. */
export type ControlReading = {
  readonly latencies: readonly number[];
  /** Publishes that were not answered with OK. */
  readonly refused: number;
  /** The age of the oldest message that is still on its way. */
  readonly oldestMs: number;
  readonly isConnected: boolean;
};

export class ControlPair {
  readonly kind: string;
  readonly #worker: Worker;
  #waiting: PromiseWithResolvers<ControlReading> | undefined;
  #failure: Error | undefined;

  constructor(setup: ControlPairSetup) {
    this.kind = setup.kind;
    this.#worker = new Worker(new URL('./control-pair-thread.ts', import.meta.url), {
      workerData: setup,
    });
    // the pair posts nothing else
    this.#worker.on('message', (told: ControlReading) => this.#waiting?.resolve(told));
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', () => this.#fail(new Error('the control pair has ended')));
  }

  /** Takes a reading. Errors: rejects if the pair has failed. */
  async ask(): Promise<ControlReading> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiting = Promise.withResolvers<ControlReading>();
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
export function percentile({ latencies, oldestMs }: ControlReading, share: number): number {
  const sorted = [...latencies, ...(oldestMs > 0 ? [oldestMs] : [])].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
