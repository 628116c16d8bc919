/** A store of policies in a directory, and the policies of a broker that has none. */

import { tmpdir } from 'node:os';
import path from 'node:path';
import { DISK_FILES } from '../../src/daemon/text-files.ts';
import { Policies } from '../../src/main/policies/policies.ts';
import { PolicyStore } from '../../src/main/policies/policy-store.ts';
import { optionsWith } from './broker-turns.ts';
import { ManualClock } from './manual-clock.ts';

/** Nothing is written before a policy is set; without a directory none can be set. */
export function policyStoreOf(
  dataPath = path.join(tmpdir(), 'ringmq-no-such-directory'),
  apply = (): Iterator<void, void> => [][Symbol.iterator](),
): PolicyStore {
  const write = (): void => undefined;
  return new PolicyStore({
    dataPath,
    textFiles: DISK_FILES,
    policies: new Policies(optionsWith({})),
    clock: new ManualClock(),
    logger: { info: write, warn: write, error: write },
    share: null,
    apply,
  });
}
