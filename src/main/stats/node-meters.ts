/**
 * Main's own counters and those of its clients, for `NodeMonitor`.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { LoopDelay } from './loop-delay.ts';
import { MemoryMonitor } from './memory-statistics.ts';
import { Traffic } from './traffic.ts';

export class NodeMeters {
  readonly traffic = new Traffic();
  readonly acknowledgements: Acknowledgements;
  readonly loopDelay: LoopDelay;
  readonly memory = new MemoryMonitor();
  /** Turns of main that had work. */
  turnCount = 0;

  constructor(clock: Clock) {
    this.acknowledgements = new Acknowledgements(clock);
    this.loopDelay = new LoopDelay(clock);
  }

  start(): void {
    this.loopDelay.start();
    this.memory.start();
  }

  stop(): void {
    this.loopDelay.stop();
    this.memory.stop();
  }

  /** Main has written the output of its turn. */
  endTurn(): void {
    this.turnCount++;
    this.acknowledgements.endTurn();
  }
}
