/**
 * Policies in a configuration file: a table `[policy.NAME]` for each.
 *
 * Thread: any (pure).
 */

import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { contradictionOf } from './dead-letter-cycles.ts';
import { type Policy, parsePolicy } from './policy.ts';
import { PolicySet } from './policy-set.ts';

/** Parses the value of `policy`; undefined for none. Errors: names the invalid policy. */
export function parsePolicyTables(tables: unknown): Policy[] | InvalidValue {
  if (tables === undefined) return [];
  if (typeof tables !== 'object' || tables === null || Array.isArray(tables)) {
    return new InvalidValue('policy is a table of tables, [policy.NAME]');
  }
  const policies: Policy[] = [];
  for (const [name, table] of Object.entries(tables)) {
    const policy = parsePolicy(name, table);
    if (policy instanceof InvalidValue) {
      return new InvalidValue(`[policy.${name}]: ${policy.why}`);
    }
    policies.push(policy);
  }
  const contradiction = contradictionOf(new PolicySet(policies));
  return contradiction === undefined ? policies : new InvalidValue(contradiction);
}
