/**
 * Reads again what can change while the broker runs: files of secrets and clients, and the configuration. Each part
 * changes as a whole, or stays as it was and reports why.
 *
 * Thread: main.
 */

import type { Guard } from '../daemon/guard.ts';
import type { Logger, LogLevel } from '../daemon/log.ts';
import { changedOptions } from '../daemon/options/changed-options.ts';
import { InvalidValue } from '../daemon/options/invalid-value.ts';
import { errorText } from '../shared/error-text.ts';
import { OPTION_ROWS, type Options } from './options/options.ts';
import { RELOADABLE_OPTIONS } from './options/reloadable-options.ts';
import type { Policy } from './policies/policy.ts';
import type { ReloadFailure, ReloadReport } from './topics/broker.ts';

/** The contents of a configuration. */
export type Configuration = {
  readonly options: Options;
  readonly policies: readonly Policy[] | InvalidValue;
};

/** Reads the configuration again. Errors: returns what is wrong with it. */
export type ConfigurationSource = () => Configuration | InvalidValue;

/**
 * A file that is read again. Errors: `read` resolves with why it cannot be used, or undefined. Shape: `subject` begins
 * its lines of the log.
 */
export type ReloadableFile = {
  readonly what: string;
  readonly subject: string;
  readonly read: () => Promise<string | undefined>;
};

/** The parts that change. */
export type ReloadSetup = {
  /** Null where nothing can be read again. */
  readonly source: ConfigurationSource | null;
  /** The configuration at the start. */
  readonly configured: Options;
  /** Where all parts of the broker read options when they use them. It is changed in place. */
  readonly inForce: Options;
  readonly files: readonly ReloadableFile[];
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'> & {
    setLevel(level: LogLevel): void;
  };
  readonly guard: Pick<Guard, 'note'>;
  readonly lookupd: { setAddresses(addresses: readonly string[]): void };
  /** Errors: returns why the policies contradict each other; then nothing changes. */
  readonly applyPolicies: (policies: readonly Policy[]) => string | undefined;
};

const CONFIGURATION = 'configuration';
const POLICIES = 'policies';

export class Reload {
  readonly #setup: ReloadSetup;
  /** The configuration when it was last applied: settings that were changed at run time since then stay. */
  #configured: Options;
  #last: Promise<unknown> = Promise.resolve();

  constructor(setup: ReloadSetup) {
    this.#setup = setup;
    this.#configured = setup.configured;
  }

  /** Reloads; one reload after the other. */
  run(): Promise<ReloadReport> {
    const run = this.#last.then(() => this.#run());
    // The caller gets the failure; the next reload only waits for its end.
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #run(): Promise<ReloadReport> {
    const { files, logger } = this.#setup;
    const taken: string[] = [];
    const failed: ReloadFailure[] = [];
    for (const { what, subject, read } of files) {
      const why = await read();
      if (why === undefined) {
        taken.push(what);
        logger.info(`${subject}${what} reloaded`);
      } else {
        failed.push({ what, why });
        logger.error(`${subject}the old ${what} stays in use - ${why}`);
      }
    }
    const restart = this.#configure(taken, failed);
    if (restart.length > 0) logger.warn(`changed options need a restart: ${restart.join(', ')}`);
    return { taken, failed, restart };
  }

  /** Returns the keys that need a restart. */
  #configure(taken: string[], failed: ReloadFailure[]): string[] {
    const { source, logger } = this.#setup;
    if (source === null) return [];
    const next = source();
    if (next instanceof InvalidValue) {
      failed.push({ what: CONFIGURATION, why: next.why });
      logger.error(`the old configuration stays in force - ${next.why}`);
      return [];
    }
    const restart: string[] = [];
    for (const { name, key } of changedOptions(OPTION_ROWS, this.#configured, next.options)) {
      if (RELOADABLE_OPTIONS.has(name)) {
        this.#set(name, next.options);
        taken.push(key);
        logger.info(`option ${key} is changed`);
      } else {
        restart.push(key);
      }
    }
    const { policies } = next;
    const why = policies instanceof InvalidValue ? policies.why : this.#apply(policies);
    if (why === undefined) {
      taken.push(POLICIES);
      logger.info('policies of the configuration file are in force');
    } else {
      failed.push({ what: POLICIES, why });
      logger.error(`the old policies stay in force - ${why}`);
    }
    return restart;
  }

  /** Errors: returns why the policies cannot be applied. */
  #apply(policies: readonly Policy[]): string | undefined {
    try {
      return this.#setup.applyPolicies(policies);
    } catch (error) {
      this.#setup.guard.note('the policies of the configuration file cannot be handled', error);
      return errorText(error);
    }
  }

  #set(name: keyof Options, options: Options): void {
    const { inForce, logger, lookupd } = this.#setup;
    const change = { [name]: options[name] };
    Object.assign(inForce, change);
    this.#configured = { ...this.#configured, ...change };
    if (name === 'logLevel') logger.setLevel(options.logLevel);
    if (name === 'lookupdTcpAddress') lookupd.setAddresses(options.lookupdTcpAddress);
  }
}
