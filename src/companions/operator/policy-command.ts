/**
 * `ringmq policy`: lists, shows, sets and deletes policies of a running broker.
 *
 * Thread: main.
 */

import { parseArgs } from 'node:util';
import { errorText } from '../../shared/error-text.ts';
import {
  BAD_USAGE_CODE,
  type Companion,
  DONE_CODE,
  FAILED_CODE,
  type Surroundings,
} from '../companion.ts';
import { BrokerFailure, BrokerHttp } from './broker-http.ts';
import { table } from './table.ts';

const USAGE = `Policies of a running broker: what topics and channels promise.

Usage:
  ringmq policy list                                list all policies, the deciding ones first
  ringmq policy show NAME                           show one policy
  ringmq policy show --topic=T [--channel=C]        show each key that holds for a topic or channel,
                                                    and which policy gives it
  ringmq policy set NAME PATTERN KEY=VALUE ...      add or replace a policy
  ringmq policy delete NAME                         delete a policy

Examples:
  ringmq policy set retries 'orders:*' max-attempts=5 dead-letter=dead.orders
  ringmq policy set durable 'orders' acknowledge=write --priority=10
  ringmq policy show --topic=orders --channel=billing

PATTERN is TOPIC or TOPIC:CHANNEL, with * for any characters and ? for one. For each key the
matching policy with the highest priority decides. docs/policies.md explains every key.

Flags:
  --http-address=HOST:PORT   the broker (default 127.0.0.1:4151, or RINGMQ_HTTP); a URL works too
  --priority=N               priority of the policy that is set (default 0)
  --topic=T, --channel=C     what "show" looks at
  --json                     print JSON
  --help                     print this text

Exit codes: 0 done, 1 the broker refused or did not answer, 2 wrong usage.
`;

const FLAGS = {
  'http-address': { type: 'string' },
  priority: { type: 'string' },
  topic: { type: 'string' },
  channel: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** The command line is invalid; the message is the reason. */
class BadUsage extends Error {}

type Flags = {
  readonly 'http-address'?: string;
  readonly priority?: string;
  readonly topic?: string;
  readonly channel?: string;
  readonly json?: boolean;
};

/** A policy as the broker shows it. */
type ShownPolicy = {
  readonly name: string;
  readonly pattern: string;
  readonly priority: number;
  readonly source: string;
  readonly definition: Readonly<Record<string, unknown>>;
};

type EffectiveKeys = Readonly<
  Record<string, { readonly value: unknown; readonly policy: string | null }>
>;

export const runPolicyCommand: Companion = async (words, surroundings) => {
  try {
    const { values, positionals } = parsedWords(words);
    if (values.help === true || positionals.length === 0) {
      surroundings.stdout(USAGE);
      return positionals.length === 0 && values.help !== true ? BAD_USAGE_CODE : DONE_CODE;
    }
    surroundings.stdout(await carryOut(positionals, values, surroundings));
    return DONE_CODE;
  } catch (error) {
    if (error instanceof BadUsage) {
      surroundings.stderr(`${error.message}\nringmq policy --help shows how to use it\n`);
      return BAD_USAGE_CODE;
    }
    if (!(error instanceof BrokerFailure)) throw error;
    surroundings.stderr(`${error.message}\n`);
    return FAILED_CODE;
  }
};

function parsedWords(words: readonly string[]): {
  values: Flags & { help?: boolean };
  positionals: string[];
} {
  try {
    return parseArgs({ args: [...words], options: FLAGS, allowPositionals: true });
  } catch (error) {
    throw new BadUsage(errorText(error));
  }
}

/** Returns what to print. */
async function carryOut(
  [verb, ...words]: readonly string[],
  flags: Flags,
  { env }: Surroundings,
): Promise<string> {
  const broker = new BrokerHttp(flags['http-address'], env);
  switch (verb) {
    case 'list':
      return list(broker, flags);
    case 'show':
      return words.length === 0 ? effective(broker, flags) : show(broker, nameIn(words), flags);
    case 'set':
      return set(broker, words, flags);
    case 'delete': {
      const name = nameIn(words);
      await broker.ask('DELETE', pathOf(name));
      return `policy ${name} is deleted\n`;
    }
    default:
      throw new BadUsage(`unknown command ${JSON.stringify(verb)}: list, show, set or delete`);
  }
}

async function list(broker: BrokerHttp, flags: Flags): Promise<string> {
  const answer = await broker.ask('GET', '/policy');
  // The broker's format; any other answer is printed as JSON or fails below.
  const { policies } = answer as { policies: readonly ShownPolicy[] };
  if (flags.json === true) return json(answer);
  if (policies.length === 0) return 'there are no policies\n';
  return table(
    ['NAME', 'PATTERN', 'PRIORITY', 'SOURCE', 'DEFINITION'],
    policies.map(({ name, pattern, priority, source, definition }) => [
      name,
      pattern,
      String(priority),
      source,
      definitionText(definition),
    ]),
  );
}

async function show(broker: BrokerHttp, name: string, flags: Flags): Promise<string> {
  const policy = (await broker.ask('GET', pathOf(name))) as ShownPolicy;
  if (flags.json === true) return json(policy);
  const { pattern, priority, source, definition } = policy;
  return table(
    ['KEY', 'VALUE'],
    [
      ['pattern', pattern],
      ['priority', String(priority)],
      ['source', source],
      ...Object.entries(definition).map(([key, value]) => [key, String(value)]),
    ],
  );
}

async function effective(broker: BrokerHttp, flags: Flags): Promise<string> {
  const { topic, channel } = flags;
  if (topic === undefined) throw new BadUsage('show needs the NAME of a policy, or --topic');
  const query = new URLSearchParams({ topic, ...(channel !== undefined && { channel }) });
  const answer = await broker.ask('GET', `/policy/effective?${query}`);
  if (flags.json === true) return json(answer);
  const { keys } = answer as { keys: EffectiveKeys };
  return table(
    ['KEY', 'VALUE', 'POLICY'],
    Object.entries(keys).map(([key, { value, policy }]) => [
      key,
      value === '' ? '""' : String(value),
      policy ?? '-',
    ]),
  );
}

async function set(
  broker: BrokerHttp,
  [name, pattern, ...settings]: readonly string[],
  flags: Flags,
): Promise<string> {
  if (name === undefined || pattern === undefined || settings.length === 0) {
    throw new BadUsage('set needs NAME PATTERN KEY=VALUE ...');
  }
  const definition = Object.fromEntries(settings.map(settingOf));
  const priority = flags.priority === undefined ? 0 : Number(flags.priority);
  const policy = await broker.ask('PUT', pathOf(name), { pattern, priority, definition });
  return flags.json === true ? json(policy) : `policy ${name} is in force\n`;
}

function settingOf(word: string): [key: string, value: string] {
  const equals = word.indexOf('=');
  if (equals <= 0) throw new BadUsage(`${JSON.stringify(word)} is not KEY=VALUE`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function nameIn([name, ...others]: readonly string[]): string {
  if (name === undefined || others.length > 0) throw new BadUsage('one NAME is needed');
  return name;
}

function pathOf(name: string): string {
  return `/policy/${encodeURIComponent(name)}`;
}

function definitionText(definition: Readonly<Record<string, unknown>>): string {
  return Object.entries(definition)
    .map(([key, value]) => `${key}=${value === '' ? '""' : value}`)
    .join(' ');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
