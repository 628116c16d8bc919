/**
 * `--check-config` and `--print-config`: report on a configuration without starting a broker.
 *
 * Thread: main.
 */

import { configText } from '../daemon/options/config-text.ts';
import { InvalidValue } from '../daemon/options/invalid-value.ts';
import type { LineContext } from '../daemon/options/program-line.ts';
import { tomlPackage } from '../daemon/options/toml.ts';
import { systemErrorText } from '../daemon/system-error.ts';
import { parseAccessFile } from './access/access-file.ts';
import type { Command } from './options/command-line.ts';
import { OPTION_ROWS } from './options/options.ts';
import { type Policy, policyJson } from './policies/policy.ts';
import { parsePolicyTables } from './policies/policy-tables.ts';

type Asked = Command & { kind: 'check' | 'show' };
type Outcome = Command & { kind: 'print' | 'fatal' };

/** Checks the files that the start would read, and prints what was asked for. */
export function reportConfig(
  { kind, options, config, warnings }: Asked,
  { readFile }: Pick<LineContext, 'readFile'>,
): Outcome {
  const policies = parsePolicyTables(config.policies);
  if (policies instanceof InvalidValue) {
    const reason = `failed to load config file ${config.path} - ${policies.why}`;
    return { kind: 'fatal', reason };
  }
  const wrong = options.httpAccess === '' ? undefined : accessFault(options.httpAccess, readFile);
  if (wrong !== undefined)
    return { kind: 'fatal', reason: `failed to instantiate nsqd - ${wrong}` };
  const stdout =
    kind === 'check'
      ? 'the configuration is valid\n'
      : configText(OPTION_ROWS, options) + policyText(policies);
  const stderr =
    kind === 'check' ? warnings.map((warning) => `warning: ${warning}\n`).join('') : '';
  return { kind: 'print', stdout, stderr, exitCode: 0 };
}

function accessFault(path: string, readFile: LineContext['readFile']): string | undefined {
  try {
    const entries = parseAccessFile(readFile(path));
    return entries instanceof InvalidValue ? `--http-access "${path}": ${entries.why}` : undefined;
  } catch (error) {
    return `--http-access "${path}": ${systemErrorText(error)}`;
  }
}

/** Tables of a configuration file come after its keys. */
function policyText(policies: readonly Policy[]): string {
  return policies
    .map((policy) => {
      const { name, pattern, priority, definition } = policyJson(policy);
      return `\n${tomlPackage().stringify({ policy: { [name]: { pattern, priority, ...definition } } })}`;
    })
    .join('');
}
