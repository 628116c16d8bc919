import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretHash } from '../../../../src/daemon/access/secret-hash.ts';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { Access, BUSY } from '../../../../src/main/access/access.ts';
import { AccessAuth } from '../../../../src/main/access/access-auth.ts';
import type { AccessClient } from '../../../../src/main/access/access-client.ts';
import { parseAccessFile } from '../../../../src/main/access/access-file.ts';
import {
  credentialsOfHeader,
  credentialsOfToken,
} from '../../../../src/main/access/credentials.ts';
import { accessFile, cheapHash } from '../../../support/access-file.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const NO_CERTIFICATE = { verifiedName: '', fingerprint: '' };
const FINGERPRINT = 'ab'.repeat(32);

/** An access file that the test replaces. */
class File {
  text: string;
  readonly clock = new ManualClock();

  constructor(text: string) {
    this.text = text;
  }

  async load(): Promise<Access> {
    const access = await Access.load('access.toml', this.clock, async () => this.text);
    assert.ok(access instanceof Access);
    return access;
  }
}

function ask(access: Access, name: string, secret: string, host = '10.0.0.1') {
  return access.ofSecret(name, Buffer.from(secret), host);
}

async function nameOf(found: ReturnType<typeof ask>): Promise<string | null> {
  const client = await found;
  assert.notEqual(client, BUSY);
  return (client as AccessClient | null)?.name ?? null;
}

test('Access: the right secret is checked once, and known from then on', async () => {
  const access = await new File(
    accessFile([{ name: 'ops', secret: 's3cret', roles: ['admin'] }]),
  ).load();

  const first = ask(access, 'ops', 's3cret');
  const same = ask(access, 'ops', 's3cret', '10.0.0.2');
  const names = [await nameOf(first), await nameOf(same)];
  const known = ask(access, 'ops', 's3cret');

  assert.ok(first instanceof Promise);
  assert.equal(same, first, 'clients that come together share a check');
  assert.deepEqual(names, ['ops', 'ops']);
  assert.ok(known !== null && known !== BUSY && !(known instanceof Promise));
});

test('Access: wrong secrets and unknown names are checked alike, each time', async () => {
  const file = new File(accessFile([{ name: 'ops', secret: 's3cret', roles: ['admin'] }]));
  const access = await file.load();
  await ask(access, 'ops', 's3cret');

  for (const [name, secret] of [
    ['ops', 'wrong'],
    ['nobody', 's3cret'],
    ['ops', 'wrong'],
  ]) {
    const found = ask(access, name, secret);
    assert.ok(found instanceof Promise);
    assert.equal(await found, null);
    file.clock.advance(1000);
  }
});

test('Access: after a wrong secret nothing is checked for a while, and hosts take turns', async () => {
  const file = new File(accessFile([{ name: 'ops', secret: 's3cret', roles: ['admin'] }]));
  const access = await file.load();
  const order: string[] = [];
  const flood = Array.from({ length: 9 }, (_, index) => ask(access, 'ops', `guess ${index}`));
  for (const [index, found] of flood.slice(0, 8).entries()) {
    void Promise.resolve(found).then(() => order.push(`guess ${index}`));
  }
  const right = Promise.resolve(ask(access, 'ops', 's3cret', '10.0.0.2')).then((client) => {
    order.push('right');
    return client;
  });

  // One is being checked and eight wait; the tenth is refused.
  const tenth = ask(access, 'ops', 'guess 9');
  await flood[0];
  const beforePause = [...order];
  file.clock.advance(250);
  await flood[1];
  file.clock.advance(250);
  await right;

  assert.equal(tenth, BUSY);
  assert.deepEqual(beforePause, ['guess 0']);
  assert.deepEqual(order, ['guess 0', 'guess 1', 'right'], 'the flood has one turn before it');
});

test('Access: certificates by fingerprint, and by name if an authority has signed them', async () => {
  const access = await new File(
    accessFile([
      { name: 'a', common_name: 'a.example', roles: ['read'] },
      { name: 'b', fingerprint: FINGERPRINT, roles: ['publish'] },
    ]),
  ).load();

  const named = access.ofCertificate({ verifiedName: 'a.example', fingerprint: '00' });
  const printed = access.ofCertificate({ verifiedName: '', fingerprint: FINGERPRINT });
  const none = access.ofCertificate(NO_CERTIFICATE);

  assert.deepEqual([named?.name, printed?.name, none], ['a', 'b', null]);
});

test('Access: a reload takes new clients, keeps what is known, and keeps all when it is bad', async () => {
  const ops = { name: 'ops', secret: 's3cret', roles: ['admin'] };
  const file = new File(accessFile([ops]));
  const access = await file.load();
  await ask(access, 'ops', 's3cret');

  file.text = accessFile([{ ...ops, roles: ['read'] }]);
  const good = await access.reload();
  const known = ask(access, 'ops', 's3cret');
  file.text = 'client = 7';
  const bad = await access.reload();
  const kept = ask(access, 'ops', 's3cret');
  file.text = accessFile([{ ...ops, secret: 'other' }]);
  await access.reload();
  const changed = ask(access, 'ops', 's3cret');

  assert.equal(good, undefined);
  assert.ok(known !== null && known !== BUSY && !(known instanceof Promise));
  assert.deepEqual([known.has('admin'), known.has('read')], [false, true]);
  assert.match(bad?.why ?? '', /^--http-access "access.toml": it must have tables/);
  assert.equal(kept, known);
  assert.ok(changed instanceof Promise, 'the new secret is not known yet');
  assert.equal(await changed, null);
});

test('Access: a file that cannot be read says so', async () => {
  const clock = new ManualClock();
  const missing = await Access.load('none.toml', clock, async () => {
    throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
  });

  assert.ok(missing instanceof InvalidValue);
  assert.equal(missing.why, '--http-access "none.toml": it does not exist');
});

test('AccessClient: roles, and the topics to which they are limited', async () => {
  const entries = parseAccessFile(
    accessFile([
      { name: 'p', secret: 'x', roles: ['publish'], topics: ['orders.*'] },
      { name: 's', secret: 'x', roles: ['subscribe'], topics: ['orders.eu:billing', 'audit'] },
      { name: 'ops', secret: 'x', roles: ['admin'] },
      { name: 'all', secret: 'x', roles: ['publish', 'subscribe'] },
    ]),
  );
  assert.ok(!(entries instanceof InvalidValue));
  const [publisher, subscriber, admin, all] = entries.map(({ client }) => client);

  assert.deepEqual(
    [publisher.mayPublish('orders.eu'), publisher.mayPublish('audit'), publisher.has('read')],
    [true, false, false],
  );
  assert.deepEqual(
    [
      subscriber.maySubscribe('orders.eu', 'billing'),
      subscriber.maySubscribe('orders.eu', 'other'),
      subscriber.maySubscribe('audit', 'any'),
      subscriber.mayPublish('audit'),
    ],
    [true, false, true, false],
  );
  assert.deepEqual(
    [admin.mayPublish('x'), admin.maySubscribe('x', 'y'), admin.has('read')],
    [true, true, true],
  );
  assert.deepEqual(
    [all.mayPublish('x'), all.maySubscribe('x', 'y'), all.has('admin')],
    [true, true, false],
  );
});

for (const [text, why] of [
  ['', /must have tables \[\[client\]\]/],
  ['[[clients]]\nname = "a"', /"clients": only tables/],
  ['[[client]]\nroles = ["read"]', /client number 1: name must have/],
  ['[[client]]\nname = "a.b"', /client "a.b": name must have/],
  ['[[client]]\nname = "a"\nroles = ["read"]', /secret, common_name or fingerprint is missing/],
  ['[[client]]\nname = "a"\nsecret = "plain"', /secret is not a hash made by "ringmq access hash"/],
  ['[[client]]\nname = "a"\nsecret = "scrypt:15:8:1:AAAA:BBBB"', /damaged, or too costly/],
  [
    `[[client]]\nname = "a"\nsecret = "${cheapHash('x').replace('16:1', '16777216:8')}"`,
    /damaged, or too costly/,
  ],
  ['[[client]]\nname = "a"\nfingerprint = "00:11"', /SHA-256 of a certificate/],
  ['[[client]]\nname = "a"\ncommon_name = "a"', /roles must be a list of read, publish/],
  ['[[client]]\nname = "a"\ncommon_name = "a"\nroles = ["root"]', /roles must be a list/],
  ['[[client]]\nname = "a"\nrole = ["read"]', /no key "role"; did you mean roles\?/],
  [
    accessFile([{ name: 'a', secret: 'x', roles: ['read'], topics: ['t'] }]),
    /topics limit the roles publish and subscribe/,
  ],
  [
    accessFile([{ name: 'a', secret: 'x', roles: ['publish'], topics: ['a:b:c'] }]),
    /topics: "a:b:c" has more than one colon/,
  ],
  [
    accessFile([
      { name: 'a', secret: 'x', roles: ['read'] },
      { name: 'a', secret: 'y', roles: ['read'] },
    ]),
    /two clients have the name "a"/,
  ],
  [
    accessFile([
      { name: 'a', secret: 'x', roles: ['read'] },
      { name: 'b', secret: 'y', roles: ['read'] },
    ]).replace('scrypt:16:', 'scrypt:32:'),
    /hashed at different costs/,
  ],
  ['[[client]\nname', /line 1/],
] as const) {
  test(`parseAccessFile: ${why.source} is said of a bad file`, () => {
    const outcome = parseAccessFile(text);

    assert.ok(outcome instanceof InvalidValue);
    assert.match(outcome.why, why);
  });
}

test('credentials: tokens, users with passwords, and what is neither', () => {
  const basic = Buffer.from('ops:a:b').toString('base64');
  const shown = (found: ReturnType<typeof credentialsOfHeader>) =>
    found === undefined ? null : [found.name, found.secret.toString()];

  assert.deepEqual(shown(credentialsOfHeader('Bearer ops.a.b')), ['ops', 'a.b']);
  assert.deepEqual(shown(credentialsOfHeader(`basic  ${basic}`)), ['ops', 'a:b']);
  for (const field of ['', 'Bearer', 'Bearer ops', 'Bearer .x', 'Bearer ops.', 'Digest a.b']) {
    assert.equal(credentialsOfHeader(field), undefined, field);
  }
  assert.deepEqual(shown(credentialsOfToken(Buffer.from('ops.\xff', 'latin1'))), ['ops', '\ufffd']);
  assert.equal(credentialsOfToken(Buffer.from('secret')), undefined);
});

test('AccessAuth: tokens and certificates in the place of an auth server', async () => {
  const access = await new File(
    accessFile([
      { name: 'billing', secret: 'x', roles: ['publish'], topics: ['orders'] },
      { name: 'watcher', secret: 'x', roles: ['read'] },
      { name: 'cert', common_name: 'c.example', roles: ['subscribe'] },
    ]),
  ).load();
  const auth = new AccessAuth(access);
  const question = { remoteIp: '10.0.0.1', isTls: true, commonName: '' };
  const certificate = { verifiedName: 'c.example', fingerprint: '00' };

  const grant = await auth.query({ ...question, secret: Buffer.from('billing.x') });
  const reader = await auth.query({ ...question, secret: Buffer.from('watcher.x') });
  const admitted = auth.admit({ ...question, certificate, secret: Buffer.alloc(0) });
  const withCertificate = await auth.query({
    ...question,
    certificate,
    secret: Buffer.from('anything'),
  });

  assert.deepEqual(
    [
      grant.identity,
      grant.permissionCount,
      grant.isAllowed('publish', 'orders', ''),
      grant.isAllowed('publish', 'other', ''),
      grant.isAllowed('subscribe', 'orders', 'c'),
    ],
    ['billing', 1, true, false, false],
  );
  assert.equal(reader.permissionCount, 0);
  assert.equal(admitted?.isAllowed('subscribe', 'orders', 'c'), true);
  assert.equal(withCertificate.identity, 'cert');
  assert.equal(auth.admit({ ...question, secret: Buffer.alloc(0) }), null);
  await assert.rejects(auth.query({ ...question, secret: Buffer.from('billing.y') }), {
    message: 'the secret is not in the access file',
  });
});

test('SecretHash: a hash is of its secret alone, and its text can be read back', async () => {
  const hash = await SecretHash.of(Buffer.from('s3cret'));
  const read = SecretHash.parse(String(hash));
  assert.ok(read instanceof SecretHash);

  const outcomes = [
    await read.matches(Buffer.from('s3cret')),
    await read.matches(Buffer.from('s3cres')),
  ];

  assert.deepEqual(outcomes, [true, false]);
  assert.match(String(hash), /^scrypt:32768:8:1:[\w-]{22}:[\w-]{43}$/);
  assert.notEqual(String(await SecretHash.of(Buffer.from('s3cret'))), String(hash));
  assert.equal(SecretHash.ofNothing(hash).cost, hash.cost);
});
