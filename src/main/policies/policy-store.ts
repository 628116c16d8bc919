/**
 * Changes policies at run time: a change is checked, saved, and only then applied.
 *
 * The file is `.ringmq/policies.json` of the data directory, replaced as a whole like nsqd.dat. A change whose save
 * fails is rejected; the file is then written again until it matches the policies in force.
 *
 * Thread: main.
 */

import path from 'node:path';
import { isJsonObject, parseJson } from '../../daemon/go/json.ts';
import type { Logger } from '../../daemon/log.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { SavedFile } from '../../daemon/saved-file.ts';
import { inSlices } from '../../daemon/slices.ts';
import type { TextFiles } from '../../daemon/text-files.ts';
import type { Clock } from '../../shared/clock.ts';
import type { SharedPolicy } from '../../shared/control.ts';
import { POLICIES_FILE, SIDECAR_DIRECTORY } from '../../shared/data-files.ts';
import { errorText } from '../../shared/error-text.ts';
import type { Policies } from './policies.ts';
import { type Policy, parsePolicy, policyJson } from './policy.ts';
import { isSamePolicy, parseShared, sharedText } from './shared-policy.ts';

/** A change is refused; the error's message is the reason. */
export class PolicyRefused extends Error {}

/** The policies after a change; why it is refused; or null if it changes nothing. */
type Decided = readonly Policy[] | string | null;

/** Its dependencies. */
export type PolicyStoreSetup = {
  readonly dataPath: string;
  readonly textFiles: TextFiles;
  readonly policies: Policies;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Applies changed policies to topics and channels, in slices. */
  readonly apply: () => Iterator<void, void>;
  /** Sends a change to other brokers; null if there are none. Resolves when the change cannot be lost any more. */
  readonly share: ((policy: SharedPolicy) => Promise<void>) | null;
};

export class PolicyStore {
  readonly #setup: PolicyStoreSetup;
  readonly #file: SavedFile;
  readonly #directory: string;
  /** The policies that the file should hold. */
  #wanted: readonly Policy[] = [];
  /** The change before the next one. */
  #last: Promise<void> = Promise.resolve();

  constructor(setup: PolicyStoreSetup) {
    this.#setup = setup;
    this.#directory = path.join(setup.dataPath, SIDECAR_DIRECTORY);
    this.#file = new SavedFile({
      ...setup,
      path: path.join(this.#directory, POLICIES_FILE),
      title: 'policies',
      text: () => textOf(this.#wanted),
    });
  }

  get policies(): Policies {
    return this.#setup.policies;
  }

  /** Odd while a save is running. */
  count(): number {
    return this.#file.count();
  }

  /** The reason why the last save failed; null if it succeeded. */
  get failure(): string | null {
    return this.#file.failure;
  }

  /** Loads and applies the saved policies. Errors: rejects if the file cannot be read or is invalid. */
  async load(): Promise<void> {
    const text = await this.#file.load();
    if (text !== undefined) this.#restore(text);
    const { fault } = this.#setup.policies;
    if (fault !== undefined) throw new Error(fault);
  }

  #restore(text: string): void {
    const policies = parsePolicyFile(text);
    if (policies instanceof InvalidValue) {
      throw new Error(
        `failed to parse policies in ${this.#file.path} - ${policies.why}; ` +
          'repair the file, or move it away to start without its policies',
      );
    }
    this.#wanted = policies;
    this.#setup.policies.restore(policies);
  }

  /** Adds or replaces a policy. Resolves when it is in force. Errors: rejects with `PolicyRefused`. */
  put(policy: Policy): Promise<void> {
    return this.#change(() => this.#with(policy), { name: policy.name, text: sharedText(policy) });
  }

  /** Removes a policy, if it exists. As `put`. */
  remove(name: string): Promise<void> {
    return this.#change(() => this.#without(name), { name, text: null });
  }

  /** Another broker has set or removed a policy. One that is invalid here is logged. */
  adopt({ name, text }: SharedPolicy): void {
    const { logger, policies } = this.#setup;
    const policy = text === null ? null : parseShared(name, text);
    const decide = (): Decided => {
      if (policy instanceof InvalidValue) return policy.why;
      const known = [...policies.saved].find((saved) => saved.name === name);
      if (isSamePolicy(known, policy)) return null;
      return policy === null ? this.#without(name) : this.#with(policy);
    };
    this.#change(decide, null).catch((error: unknown) => {
      logger.warn(`policy ${name} of another broker is not in force - ${errorText(error)}`);
    });
  }

  #with(policy: Policy): readonly Policy[] | string {
    const { policies } = this.#setup;
    return policies.refusalOf(policy) ?? [...without(policies.saved, policy.name), policy];
  }

  #without(name: string): readonly Policy[] | string {
    const { policies } = this.#setup;
    return policies.removalRefusalOf(name) ?? without(policies.saved, name);
  }

  /**
   * Applies the policies of the configuration file, and the options that apply to every topic. Errors: returns why the
   * policies are invalid; the old ones stay then.
   */
  reload(configured: readonly Policy[]): string | undefined {
    const { policies } = this.#setup;
    const wrong = policies.configure(configured);
    if (wrong !== undefined) policies.refresh();
    this.#apply();
    return wrong?.why;
  }

  /** Stops retrying. */
  stop(): void {
    this.#file.stop();
  }

  #apply(): void {
    inSlices(
      this.#setup.apply(),
      () => undefined,
      (error) => {
        // No input is involved here, so this is a bug.
        throw error;
      },
    );
  }

  /**
   * Makes one change at a time: each builds on the result of the previous one. `shared`: what other brokers receive.
   */
  #change(decide: () => Decided, shared: SharedPolicy | null): Promise<void> {
    const change = this.#last.then(async () => {
      const next = decide();
      if (next === null) return;
      if (typeof next === 'string') throw new PolicyRefused(next);
      const { share } = this.#setup;
      if (shared !== null && share !== null) await share(shared);
      this.#wanted = next;
      try {
        await this.#setup.textFiles.makeDirectory(this.#directory);
        await this.#file.save();
      } catch (error) {
        // The retried save writes the policies in force.
        this.#wanted = [...this.#setup.policies.saved];
        throw error;
      }
      this.#setup.policies.restore(next);
      this.#apply();
    });
    // The caller gets the failure; the next change only waits for its end.
    this.#last = change.catch(() => undefined);
    return change;
  }
}

function without(policies: Iterable<Policy>, name: string): Policy[] {
  return [...policies].filter((policy) => policy.name !== name);
}

// biome-ignore lint/correctness/useYield: a few policies are one slice
function* textOf(policies: readonly Policy[]): Generator<void, string> {
  return `${JSON.stringify({ version: 1, policies: policies.map(policyJson) }, null, 2)}\n`;
}

/** Parses the file of saved policies. */
export function parsePolicyFile(text: string): Policy[] | InvalidValue {
  const given = parseJson(text);
  const list = isJsonObject(given) && given['version'] === 1 ? given['policies'] : undefined;
  if (!Array.isArray(list)) return new InvalidValue('it is not a list of policies of version 1');
  const policies: Policy[] = [];
  for (const entry of list as unknown[]) {
    const { name, ...rest } = isJsonObject(entry) ? entry : {};
    const policy = parsePolicy(typeof name === 'string' ? name : '', rest);
    if (policy instanceof InvalidValue) {
      return new InvalidValue(`policy ${JSON.stringify(name)}: ${policy.why}`);
    }
    policies.push(policy);
  }
  return policies;
}
