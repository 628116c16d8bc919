/**
 * Finds out at the start whether the data directory takes writes, by writing as much as its list of topics may need. A
 * broker on a full or read-only disk starts, so that its queues can be consumed, and refuses what would have to be
 * written, until a probe succeeds. From then on writing itself tells.
 *
 * Thread: main. Source: nsqd does not start on a full disk.
 */

import { randomInt } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import type { Logger } from '../../daemon/log.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';

/** Its dependencies. */
export type WriteProbeSetup = {
  readonly dataPath: string;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Told why nothing can be written, and null once it can be. */
  readonly onRefusal: (refusal: string | null) => void;
};

const PROBE_MS = 1000;
/** A block of most file systems. */
const PROBE_BYTES_MIN = 4096;
const RANDOM_MAX = 2 ** 31;

export class WriteProbe {
  readonly #setup: WriteProbeSetup;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(setup: WriteProbeSetup) {
    this.#setup = setup;
  }

  /** Probes once, and again each second until that succeeds. Resolves after the first, with why it failed or null. */
  async start(): Promise<string | null> {
    const { dataPath, logger } = this.#setup;
    const refusal = await this.#probe();
    if (refusal === null) return null;
    logger.warn(
      `"${dataPath}" takes no writes - ${refusal}; publishes are refused until it does, queues are delivered`,
    );
    this.#onRefused(refusal);
    return refusal;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #onRefused(refusal: string): void {
    this.#setup.onRefusal(`"${this.#setup.dataPath}" takes no writes - ${refusal}`);
    if (!this.#isStopped) this.#timer = this.#setup.clock.after(PROBE_MS, () => void this.#again());
  }

  async #again(): Promise<void> {
    const { dataPath, logger, onRefusal } = this.#setup;
    const refusal = await this.#probe();
    if (refusal !== null) {
      this.#onRefused(refusal);
      return;
    }
    logger.info(`publishes are accepted - "${dataPath}" takes writes`);
    onRefusal(null);
  }

  /** Returns why nothing can be written, or null. Never rejects. */
  async #probe(): Promise<string | null> {
    const file = join(this.#setup.dataPath, 'nsqd.dat');
    // Named as a temporary file, so that one that is left is removed at the next start.
    const path = `${file}.${randomInt(RANDOM_MAX)}.tmp`;
    const size = await stat(file).then(
      (stats) => stats.size,
      () => 0,
    );
    const bytes = Buffer.alloc(Math.max(size, PROBE_BYTES_MIN));
    const error = await writeFile(path, bytes, { mode: 0o600 }).then(() => null, describe);
    await rm(path, { force: true }).catch(errorText);
    return error;
  }
}

/** The system's error, without the name of the probe's file. */
function describe(error: unknown): string {
  if (!(error instanceof Error && 'code' in error && 'errno' in error)) return errorText(error);
  const { code, errno } = error;
  return typeof errno === 'number' ? `${code}: ${getSystemErrorMessage(errno)}` : String(code);
}
