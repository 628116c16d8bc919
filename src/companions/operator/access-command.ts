/**
 * `ringmq access`: makes clients for the file of `--http-access`. It needs no broker.
 *
 * Thread: main.
 */

import { randomBytes } from 'node:crypto';
import { SecretHash } from '../../daemon/access/secret-hash.ts';
import { BadUsage } from './failures.ts';
import type { FlagTable } from './flags.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';

const FLAGS = {
  role: {
    value: 'ROLE',
    isList: true,
    help: 'read, publish, subscribe or admin (may be repeated)',
  },
  topic: {
    value: 'PATTERN',
    isList: true,
    help: 'where it may publish and subscribe (may be repeated)',
  },
} as const satisfies FlagTable;

type Call = OperatorCall<typeof FLAGS>;

const SECRET_BYTES = 24;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const ROLES = ['read', 'publish', 'subscribe', 'admin'];
const DEFAULT_ROLES = ['read'];
const LINE_END = /\r?\n$/;

/** `ringmq access`. */
export const runAccess = operatorCommand({
  name: 'access',
  does: 'makes an entry for the file of --http-access',
  forms: [
    'new NAME     make a random secret; print the entry to standard output, the token to standard error',
    'hash NAME    read the secret from standard input',
  ],
  examples: [
    'new prometheus --role=read >> access.toml',
    "new billing --role=publish --role=subscribe --topic='orders' >> access.toml",
    'hash ops --role=admin < secret.txt >> access.toml',
  ],
  notes: 'A token is NAME.SECRET; over HTTP name and secret also work as user and password.',
  flags: FLAGS,
  isLocal: true,
  run: async (call) => {
    const { verb, name } = call.named(['verb', 'name']);
    if (!NAME.test(name)) throw new BadUsage('NAME has 1 to 64 letters, digits, "_" and "-"');
    switch (verb) {
      case 'new': {
        const secret = randomBytes(SECRET_BYTES).toString('base64url');
        await print(call, name, secret);
        if (!call.isJson) call.context.stderr(`token: ${name}.${secret}\n`);
        return;
      }
      case 'hash': {
        const secret = (await call.readInput()).toString().replace(LINE_END, '');
        if (secret === '') throw new BadUsage('standard input has no secret');
        return print(call, name, secret);
      }
      default:
        throw new BadUsage(`unknown command ${JSON.stringify(verb)}: new or hash`);
    }
  },
});

async function print(call: Call, name: string, secret: string): Promise<void> {
  const roles = call.flags.role ?? DEFAULT_ROLES;
  const wrong = roles.find((role) => !ROLES.includes(role));
  if (wrong !== undefined)
    throw new BadUsage(`no role ${JSON.stringify(wrong)}: ${ROLES.join(', ')}`);
  const hash = String(await SecretHash.of(Buffer.from(secret)));
  const { topic: topics } = call.flags;
  const client = { name, secret: hash, roles, ...(topics !== undefined && { topics }) };
  const isNew = call.words[0] === 'new';
  const value = { client, ...(isNew && { token: `${name}.${secret}` }) };
  call.print(value, () => {
    const lines = Object.entries(client).map(([key, part]) => `${key} = ${JSON.stringify(part)}\n`);
    return `\n[[client]]\n${lines.join('')}`;
  });
}
