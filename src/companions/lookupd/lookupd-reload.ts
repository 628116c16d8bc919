/**
 * Reads the configuration file again while lookupd runs: the log level and the times change, everything else needs a
 * restart.
 *
 * Thread: main.
 */

import type { Logger } from '../../daemon/log.ts';
import { changedOptions } from '../../daemon/options/changed-options.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { Lookupd } from './lookupd.ts';
import { LOOKUPD_OPTION_ROWS, type LookupdOptions } from './lookupd-options.ts';

const RELOADABLE: ReadonlySet<keyof LookupdOptions> = new Set<keyof LookupdOptions>([
  'logLevel',
  'inactiveProducerTimeoutMs',
  'tombstoneLifetimeMs',
]);

/** What changes, and how it is reported. */
type ReloadSetup = {
  readonly lookupd: Pick<Lookupd, 'setTimes'>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error' | 'setLevel'>;
  /** As at the start. */
  readonly configured: LookupdOptions;
  /** The current values of flags and file. Errors: returns what is wrong with them. */
  readonly read: () => LookupdOptions | InvalidValue;
};

export class LookupdReload {
  readonly #setup: ReloadSetup;
  #inForce: LookupdOptions;

  constructor(setup: ReloadSetup) {
    this.#setup = setup;
    this.#inForce = setup.configured;
  }

  /** An invalid file changes nothing. */
  run(): void {
    const { lookupd, logger, read } = this.#setup;
    const next = read();
    if (next instanceof InvalidValue) {
      logger.error(`the old configuration stays in force - ${next.why}`);
      return;
    }
    const restart: string[] = [];
    for (const { name, key } of changedOptions(LOOKUPD_OPTION_ROWS, this.#inForce, next)) {
      if (RELOADABLE.has(name)) {
        this.#inForce = { ...this.#inForce, [name]: next[name] };
        logger.info(`option ${key} is changed`);
      } else {
        restart.push(key);
      }
    }
    logger.setLevel(this.#inForce.logLevel);
    lookupd.setTimes(this.#inForce);
    if (restart.length > 0) logger.warn(`changed options need a restart: ${restart.join(', ')}`);
  }
}
