/**
 * Checks at the start whether the data directory can be written, by writing as much as its list of topics may need. On
 * a full or read-only disk the broker starts, so that its queues can be consumed, and refuses publishes that must be
 * written until a probe succeeds. After that, the writes themselves tell.
 *
 * Thread: main. Source: nsqd does not start on a full disk.
 */

import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import type { Logger } from '../../daemon/log.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';

/** The dependencies of the probe. */
export type WriteProbeSetup = {
  readonly dataPath: string;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Called with the reason that nothing can be written, and with null when writing works again. */
  readonly onRefusal: (refusal: string | null) => void;
};

const PROBE_MS = 1000;
/** The block size of most file systems. */
const PROBE_BYTES_MIN = 4096;
const RANDOM_MAX = 2 ** 31;

export class WriteProbe {
  readonly #setup: WriteProbeSetup;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(setup: WriteProbeSetup) {
    this.#setup = setup;
  }

  /** Probes once, and then every second until a probe succeeds. Resolves after the first with the failure or null. */
  async start(): Promise<string | null> {
    const { dataPath, logger } = this.#setup;
    const refusal = await this.#probe();
    if (refusal === null) return null;
    logger.warn(
      `"${dataPath}" cannot be written - ${refusal}; publishes are refused until it can, queues are delivered`,
    );
    this.#onRefused(refusal);
    return refusal;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #onRefused(refusal: string): void {
    this.#setup.onRefusal(`"${this.#setup.dataPath}" cannot be written - ${refusal}`);
    if (!this.#isStopped) this.#timer = this.#setup.clock.after(PROBE_MS, () => void this.#again());
  }

  async #again(): Promise<void> {
    const { dataPath, logger, onRefusal } = this.#setup;
    const refusal = await this.#probe();
    if (refusal !== null) {
      this.#onRefused(refusal);
      return;
    }
    logger.info(`publishes are accepted - "${dataPath}" can be written`);
    onRefusal(null);
  }

  /** Returns why nothing can be written, or null. Never rejects. */
  async #probe(): Promise<string | null> {
    const file = join(this.#setup.dataPath, 'nsqd.dat');
    // It has the name of a temporary file, so that the next start removes a leftover.
    const path = `${file}.${Math.floor(Math.random() * RANDOM_MAX)}.tmp`;
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
