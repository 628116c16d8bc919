/**
 * `ringmq policy`: lists, shows, sets and deletes policies of a running broker.
 *
 * Thread: main.
 */

import { BadUsage } from './failures.ts';
import type { FlagTable } from './flags.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';
import { type Overrides, overridesOf, type ShownPolicy } from './policy-overrides.ts';
import { queueName } from './queue-name.ts';
import { table } from './table.ts';

const FLAGS = {
  priority: { value: 'N', help: 'priority of the policy that is set (default 0)' },
  topic: { value: 'T', help: 'topic for "show"' },
  channel: { value: 'C', help: 'channel for "show"' },
} as const satisfies FlagTable;

type Call = OperatorCall<typeof FLAGS>;

type EffectiveKeys = Readonly<
  Record<string, { readonly value: unknown; readonly policy: string | null }>
>;

export const runPolicyCommand = operatorCommand({
  name: 'policy',
  does: 'policies of a running broker: limits and guarantees of topics and channels',
  forms: [
    'list                              list all policies, in order of precedence',
    'show NAME                         show one policy',
    'show --topic=T [--channel=C]      show the keys in effect and their policies',
    'show T:C                          the same for channel C of topic T',
    'set NAME PATTERN KEY=VALUE ...    add or replace a policy',
    'delete NAME                       delete a policy',
  ],
  examples: [
    "set retries 'orders:*' max-attempts=5 dead-letter=dead.orders",
    "set durable 'orders' acknowledge=write --priority=10",
    'show --topic=orders --channel=billing',
  ],
  notes: `PATTERN is TOPIC or TOPIC:CHANNEL, with * for any characters and ? for one. For each key the
matching policy with the highest priority decides. docs/policies.md explains every key.`,
  flags: FLAGS,
  run: (call) => carryOut(call),
});

async function carryOut(call: Call): Promise<void> {
  const [verb, ...words] = call.words;
  switch (verb) {
    case 'list':
      return list(call);
    case 'show':
      return words.length === 0 ? effective(call, call.flags) : show(call, nameIn(words));
    case 'set':
      return set(call, words);
    case 'delete':
      return remove(call, nameIn(words));
    default:
      throw new BadUsage(`unknown command ${JSON.stringify(verb)}: list, show, set or delete`);
  }
}

async function list(call: Call): Promise<void> {
  const answer = await call.broker.ask('GET', '/policy');
  call.print(answer, () => {
    // The broker's format.
    const { policies } = answer as { policies: readonly ShownPolicy[] };
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
  });
}

async function show(call: Call, name: string): Promise<void> {
  // The name of a policy has no colon.
  if (name.includes(':')) return effective(call, queueName(name));
  const policy = (await call.broker.ask('GET', pathOf(name))) as ShownPolicy;
  call.print(policy, () => {
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
  });
}

async function effective(
  call: Call,
  { topic, channel }: { readonly topic?: string; readonly channel?: string },
): Promise<void> {
  if (topic === undefined) throw new BadUsage('show needs the NAME of a policy, or --topic');
  const query = new URLSearchParams({ topic, ...(channel !== undefined && { channel }) });
  const answer = await call.broker.ask('GET', `/policy/effective?${query}`);
  call.print(answer, () => {
    const { keys } = answer as { keys: EffectiveKeys };
    return table(
      ['KEY', 'VALUE', 'POLICY'],
      Object.entries(keys).map(([key, { value, policy }]) => [key, shown(value), policy ?? '-']),
    );
  });
}

async function set(call: Call, [name, pattern, ...settings]: readonly string[]): Promise<void> {
  if (name === undefined || pattern === undefined || settings.length === 0) {
    throw new BadUsage('set needs NAME PATTERN KEY=VALUE ...');
  }
  const definition = Object.fromEntries(settings.map(settingOf));
  const priority = call.flags.priority === undefined ? 0 : Number(call.flags.priority);
  // The broker's format, as in the list.
  const policy = (await call.broker.ask('PUT', pathOf(name), {
    ...{ pattern, priority, definition },
  })) as ShownPolicy;
  const { policies } = (await call.broker.ask('GET', '/policy')) as { policies: ShownPolicy[] };
  const overrides = overridesOf(policy, policies);
  const others = Object.entries(overrides);
  const isWhole = others.length === 0;
  const names = others.map(([key, deciding]) => [key, deciding.map((other) => other.name)]);
  call.print(isWhole ? policy : { ...policy, overrides: Object.fromEntries(names) }, () =>
    isWhole ? `policy ${name} is in force\n` : overridden(name, overrides),
  );
}

/** The note about a policy that others override for some topics or channels. */
function overridden(name: string, overrides: Overrides): string {
  const lines = Object.entries(overrides).flatMap(([key, deciding]) =>
    deciding.map(
      (other) =>
        `  ${key}: policy ${other.name} decides where ${other.pattern} also matches ` +
        `(${key}=${shown(other.definition[key])}, priority ${other.priority})\n`,
    ),
  );
  return `policy ${name} is set, but other policies go before it:\n${lines.join('')}`;
}

async function remove(call: Call, name: string): Promise<void> {
  await call.broker.ask('DELETE', pathOf(name));
  call.print({ deleted: name }, () => `policy ${name} is deleted\n`);
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
    .map(([key, value]) => `${key}=${shown(value)}`)
    .join(' ');
}

function shown(value: unknown): string {
  return value === '' ? '""' : String(value);
}
