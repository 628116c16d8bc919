/**
 * The users of a nats-server in operator mode: an operator, an account with JetStream, and the credentials file of a
 * user.
 *
 * Thread: any.
 */

import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const UNLIMITED = -1;
const CONNECTION_LIMITS = ['subs', 'data', 'payload', 'imports', 'exports', 'conn', 'leaf'];
const JETSTREAM_LIMITS = ['mem_storage', 'disk_storage', 'streams', 'consumer'];

/** The lines of a server's configuration, and the text of a user's credentials file. */
export function makeCredentials(): { readonly config: readonly string[]; readonly text: string } {
  const [operator, user] = [nkeys.createOperator(), nkeys.createUser()];
  const [system, account] = [nkeys.createAccount(), nkeys.createAccount()];
  const operatorToken = token(operator, operator, { type: 'operator' });
  // The system account may have no streams.
  const accountTokens = [
    accountToken(operator, system, CONNECTION_LIMITS),
    accountToken(operator, account, [...CONNECTION_LIMITS, ...JETSTREAM_LIMITS]),
  ];
  const userLimits = { subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED };
  const userToken = token(account, user, { type: 'user', pub: {}, sub: {}, ...userLimits });
  const seed = Buffer.from(user.getSeed()).toString();
  return {
    config: [
      `operator: ${operatorToken}`,
      'resolver: MEMORY',
      `system_account: ${system.getPublicKey()}`,
      `resolver_preload: { ${accountTokens.join(', ')} }`,
    ],
    text: [
      '-----BEGIN NATS USER JWT-----',
      userToken,
      '------END NATS USER JWT------',
      '-----BEGIN USER NKEY SEED-----',
      seed,
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  };
}

/** An entry of the resolver: an account without limits. */
function accountToken(operator: KeyPair, account: KeyPair, unlimited: readonly string[]): string {
  const limits = Object.fromEntries(unlimited.map((name) => [name, UNLIMITED]));
  const claims = { type: 'account', limits: { ...limits, wildcards: true } };
  return `${account.getPublicKey()}: ${token(operator, account, claims)}`;
}

/** A JWT about `subject`. */
function token(issuer: KeyPair, subject: KeyPair, claims: object): string {
  const sub = subject.getPublicKey();
  const parts = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    {
      ...{ jti: sub, iat: 1, iss: issuer.getPublicKey(), name: 'test', sub },
      nats: { ...claims, version: 2 },
    },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signed = parts.join('.');
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}
