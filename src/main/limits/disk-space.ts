/**
 * Watches the free space on the volume of the data path, and reports when it is too little to accept messages that
 * may have to be written there.
 *
 * It checks every second, and ten times as often when space is short or nearly short. A shortage ends at a quarter
 * more than the bound, so that a broker at the bound does not alternate. If the space is unknown, nothing is refused,
 * and writes fail by themselves.
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

/** The system's data about a volume. Units: `bsize` bytes of a block; all blocks, and those free for this user. */
export type Volume = { readonly bsize: number; readonly blocks: number; readonly bavail: number };

/** Its dependencies. */
export type DiskSpaceSetup = {
  readonly path: string;
  /** `--min-free-disk`. */
  readonly minFree: Portion;
  /** Reads the volume, as `fs.promises.statfs`. */
  readonly readVolume: (path: string) => Promise<Volume>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Gets the reason at every check during a shortage, and null when there is enough again. */
  readonly onShortage: (shortage: string | null) => void;
};

/** A volume, and the free space below which publishes are refused. Units: bytes. */
export type VolumeSpace = {
  readonly size: number;
  readonly free: number;
  readonly minFree: number;
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
  /** Whether the last check failed and was logged. */
  #hasFailed = false;
  /** The result of the last check; null if there is none. */
  #found: VolumeSpace | null = null;
  /** Incremented when a check begins and when it ends. */
  #count = 0;

  constructor(setup: DiskSpaceSetup) {
    this.#setup = setup;
  }

  /** Starts watching. Resolves after the first check. Without a bound it does nothing. */
  async start(): Promise<void> {
    if (!isNothing(this.#setup.minFree)) await this.#look();
  }

  /** Odd while a check is running. */
  count(): number {
    return this.#count;
  }

  /** The result of the last check; null without a bound, or if the system does not report the space. */
  get volume(): VolumeSpace | null {
    return this.#found;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Checks once, and schedules the next check. Never rejects. */
  async #look(): Promise<void> {
    const { path, readVolume, clock } = this.#setup;
    this.#count++;
    const volume = await readVolume(path).catch((error: unknown) => errorText(error));
    this.#count++;
    if (this.#isStopped) return;
    const delayMs = typeof volume === 'string' ? this.#onUnknown(volume) : this.#assess(volume);
    this.#timer = clock.after(delayMs, () => void this.#look());
  }

  /** Returns when to look again. Units: ms. */
  #assess({ bsize, blocks, bavail }: Volume): number {
    const { path, minFree, onShortage } = this.#setup;
    const wholeBytes = bsize * blocks;
    const freeBytes = bsize * bavail;
    // Some kinds of volumes report no size.
    if (wholeBytes === 0) return this.#onUnknown('the volume does not report its size');
    this.#hasFailed = false;
    const minBytes = portionBytes(minFree, wholeBytes);
    this.#found = { size: wholeBytes, free: freeBytes, minFree: minBytes };
    // A bound close to the whole volume could otherwise never be met again.
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
    this.#found = null;
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
