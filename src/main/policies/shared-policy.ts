/**
 * A policy as brokers share it: its name, and the rest as JSON, or null where it is removed.
 *
 * Thread: main.
 */

import { isDeepStrictEqual } from 'node:util';
import { parseJson } from '../../daemon/go/json.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { type Policy, parsePolicy, policyJson } from './policy.ts';

/** The text of a policy. */
export function sharedText(policy: Policy): string {
  return JSON.stringify(policyJson(policy));
}

/** Parses the text of a policy. Errors: returns why it is not valid here. */
export function parseShared(name: string, text: string): Policy | InvalidValue {
  const given = parseJson(text);
  if (typeof given !== 'object' || given === null) return new InvalidValue('it is not JSON');
  const rest = Object.fromEntries(Object.entries(given).filter(([key]) => key !== 'name'));
  return parsePolicy(name, rest);
}

/** Whether two policies say the same. */
export function isSamePolicy(one: Policy | undefined, other: Policy | null): boolean {
  if (one === undefined || other === null) return one === undefined && other === null;
  return isDeepStrictEqual(policyJson(one), policyJson(other));
}
