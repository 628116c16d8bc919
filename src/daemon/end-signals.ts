/**
 * The signals that end the broker: the first shuts it down cleanly, a second one ends it at once.
 *
 * Thread: main.
 */

import type { Clock } from '../shared/clock.ts';

/**
 * Signals that follow the first within this time belong to the same key press: a terminal signals every process of
 * its group, and a package manager forwards the signal again.
 */
const SAME_SIGNAL_MS = 500;

/** The source of signals. */
interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

export class EndSignals {
  readonly first: Promise<NodeJS.Signals>;
  readonly second: Promise<NodeJS.Signals>;
  /** Stops listening. */
  readonly close: () => void;

  /** Starts listening. */
  constructor(
    clock: Pick<Clock, 'monotonicMs'>,
    signals: readonly NodeJS.Signals[],
    source: SignalSource = process,
  ) {
    const first = Promise.withResolvers<NodeJS.Signals>();
    const second = Promise.withResolvers<NodeJS.Signals>();
    this.first = first.promise;
    this.second = second.promise;
    let firstMs: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstMs === undefined) {
        firstMs = clock.monotonicMs();
        first.resolve(signal);
      } else if (clock.monotonicMs() - firstMs > SAME_SIGNAL_MS) {
        second.resolve(signal);
      }
    };
    for (const signal of signals) source.on(signal, onSignal);
    this.close = () => {
      for (const signal of signals) source.off(signal, onSignal);
    };
  }
}
