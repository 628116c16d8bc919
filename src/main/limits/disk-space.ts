/**
 * Watches how much space is left on the volume of the data path, and says when it is too little to accept messages
 * that may have to be written there.
 *
 * It looks every second, and ten times as often when space is short or nearly so. Once it was too little, it is so
 * until there is a quarter more than the bound, so that a broker at the bound does not change its mind all the time.
 * If the space is unknown, nothing is refused: writing itself will tell.
 *
 * Thread: main. Source: nsqd has no such bound and fails when the volume is full.
 */

import type { Logger } from '../../daemon/log.ts';
import { roughSize } from '../../daemon/options/byte-size.ts';
import {
  describePortion,
  isNothing,
  type Portion,
  portionBytes,
} from '../../daemon/options/portion.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';

/** What the system tells of a volume. Units: `bsize` bytes of a block; blocks in all, and free to this user. */
export type Volume = { readonly bsize: number; readonly blocks: number; readonly bavail: number };

/** Its dependencies. */
export type DiskSpaceSetup = {
  readonly path: string;
  /** `--min-free-disk`. */
  readonly minFree: Portion;
  /** Asks the system, as `fs.promises.statfs`. */
  readonly readVolume: (path: string) => Promise<Volume>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Why there is too little space, as often as that is looked at; null when there is enough again. */
  readonly onShortage: (shortage: string | null) => void;
};

const LOOK_MS = 1000;
const LOOK_OFTEN_MS = 100;
/** It checks often when free space is below the bound times this factor. */
const NEAR_FACTOR = 4;
/** Space is sufficient again at the bound times this factor. */
const ENOUGH_FACTOR = 1.25;

export class DiskSpace {
  readonly #setup: DiskSpaceSetup;
  #timer: Timer | null = null;
  #isStopped = false;
  #isShort = false;
  /** Whether the last look has failed, and that was logged. */
  #hasFailed = false;
  /** Goes up when it begins to look and when it has. */
  #count = 0;

  constructor(setup: DiskSpaceSetup) {
    this.#setup = setup;
  }

  /** Begins to watch. Resolves after the first look. Without a bound it does nothing. */
  async start(): Promise<void> {
    if (!isNothing(this.#setup.minFree)) await this.#look();
  }

  /** Odd while it waits for the disk. */
  count(): number {
    return this.#count;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Looks once, and schedules the next look. Never rejects. */
  async #look(): Promise<void> {
    const { path, readVolume, clock } = this.#setup;
    this.#count++;
    const volume = await readVolume(path).catch((error: unknown) => errorText(error));
    this.#count++;
    if (this.#isStopped) return;
    const delayMs = typeof volume === 'string' ? this.#onUnknown(volume) : this.#judge(volume);
    this.#timer = clock.after(delayMs, () => void this.#look());
  }

  /** Returns when to look again. Units: ms. */
  #judge({ bsize, blocks, bavail }: Volume): number {
    const { path, minFree, onShortage } = this.#setup;
    const wholeBytes = bsize * blocks;
    const freeBytes = bsize * bavail;
    // Some kinds of volumes have no size; nothing can be said about them.
    if (wholeBytes === 0) return this.#onUnknown('the volume does not tell its size');
    this.#hasFailed = false;
    const minBytes = portionBytes(minFree, wholeBytes);
    // A bound that is near to the whole would otherwise never be met again.
    const enoughBytes = Math.min(minBytes * ENOUGH_FACTOR, (minBytes + wholeBytes) / 2);
    const bound = `--min-free-disk=${describePortion(minFree, wholeBytes)}`;
    if (freeBytes < (this.#isShort ? enoughBytes : minBytes)) {
      const shortage = `${roughSize(freeBytes)} are free on the volume of "${path}", too little for ${bound}`;
      if (!this.#isShort) this.#setup.logger.error(`publishes are refused - ${shortage}`);
      this.#isShort = true;
      onShortage(shortage);
    } else {
      this.#endShortage(`${roughSize(freeBytes)} are free`);
    }
    return freeBytes < NEAR_FACTOR * minBytes ? LOOK_OFTEN_MS : LOOK_MS;
  }

  /** Returns when to look again. Units: ms. */
  #onUnknown(reason: string): number {
    const { path, logger } = this.#setup;
    if (!this.#hasFailed) logger.warn(`free space of "${path}" is not known - ${reason}`);
    this.#hasFailed = true;
    this.#endShortage('free space is not known');
    return LOOK_MS;
  }

  #endShortage(reason: string): void {
    if (!this.#isShort) return;
    this.#isShort = false;
    this.#setup.logger.info(`publishes are accepted again - ${reason}`);
    this.#setup.onShortage(null);
  }
}
