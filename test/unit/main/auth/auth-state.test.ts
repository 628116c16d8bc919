import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthQuestion } from '../../../../src/main/auth/auth-servers.ts';
import { AuthState } from '../../../../src/main/auth/auth-state.ts';
import { Grant } from '../../../../src/main/auth/grant.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const QUESTION: AuthQuestion = {
  remoteIp: '127.0.0.1',
  isTls: false,
  commonName: '',
  secret: Buffer.from('secret'),
};
const FREE = (): void => undefined;
const ENTRY = { topic: '^t', channels: ['.*'], permissions: ['subscribe', 'publish'] };

/** Auth servers that are asked by the test's own hand. */
class FakeServers {
  readonly questions: AuthQuestion[] = [];
  #answer: { resolve: (grant: Promise<Grant>) => void; reject: (error: Error) => void } | null =
    null;

  query(question: AuthQuestion): Promise<Grant> {
    this.questions.push(question);
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  grant(ttl: number, identity: string, ...authorizations: object[]): void {
    this.#answer?.resolve(
      Grant.parse(JSON.stringify({ ttl, identity, identity_url: `/${identity}`, authorizations })),
    );
  }

  fail(): void {
    this.#answer?.reject(new Error('no server'));
  }
}

function setUp(): { servers: FakeServers; clock: ManualClock; state: AuthState } {
  const servers = new FakeServers();
  const clock = new ManualClock();
  return { servers, clock, state: new AuthState(servers, clock) };
}

test('AuthState: before AUTH nothing is allowed', () => {
  const { state } = setUp();

  const { hasAuthorizations, permissionCount, identity, identityUrl } = state;

  assert.deepEqual([hasAuthorizations, permissionCount, identity, identityUrl], [false, 0, '', '']);
  assert.equal(state.isAllowed('publish', 't', '', FREE), false);
});

test('AuthState: AUTH brings what the server grants', async () => {
  const { state, servers } = setUp();

  const authenticated = state.authenticate(QUESTION);
  servers.grant(60, 'joe', ENTRY, ENTRY);
  await authenticated;

  const { hasAuthorizations, permissionCount, identity, identityUrl, isExpired } = state;
  assert.deepEqual(
    [hasAuthorizations, permissionCount, identity, identityUrl, isExpired],
    [true, 2, 'joe', '/joe', false],
  );
  const allowed = [
    state.isAllowed('publish', 't', '', FREE),
    state.isAllowed('publish', 'x', '', FREE),
  ];
  assert.deepEqual(allowed, [true, false]);
});

test('AuthState: an empty grant is no authorisation', async () => {
  const { state, servers } = setUp();

  const authenticated = state.authenticate(QUESTION);
  servers.grant(60, 'joe');
  await authenticated;

  assert.equal(state.hasAuthorizations, false);
});

test('AuthState: it expires when the time to live is over, counted from the answer', async () => {
  const { state, servers, clock } = setUp();
  const authenticated = state.authenticate(QUESTION);
  clock.advance(700);
  servers.grant(1, 'joe', ENTRY);
  await authenticated;

  clock.advance(1000);
  const before = state.isExpired;
  clock.advance(1);

  assert.deepEqual([before, state.isExpired], [false, true]);
});

test('AuthState: a refresh asks with the same secret, and what was remembered is forgotten', async () => {
  const { state, servers, clock } = setUp();
  const authenticated = state.authenticate(QUESTION);
  servers.grant(1, 'a', ENTRY);
  await authenticated;
  const before = state.isAllowed('publish', 't', '', FREE);
  clock.advance(2000);

  const refreshed = state.refresh();
  servers.grant(60, 'b', { ...ENTRY, permissions: ['subscribe'] });
  await refreshed;

  assert.deepEqual(servers.questions, [QUESTION, QUESTION]);
  assert.deepEqual([before, state.isAllowed('publish', 't', '', FREE)], [true, false]);
  assert.deepEqual([state.identity, state.isExpired], ['b', false]);
});

test('AuthState: refreshes at the same time share one query', async () => {
  const { state, servers, clock } = setUp();
  const authenticated = state.authenticate(QUESTION);
  servers.grant(1, 'a', ENTRY);
  await authenticated;
  clock.advance(2000);

  const refreshed = Promise.all([state.refresh(), state.refresh()]);
  servers.grant(1, 'b', ENTRY);
  await refreshed;
  clock.advance(2000);
  const later = state.refresh();
  servers.grant(1, 'c', ENTRY);
  await later;

  assert.equal(servers.questions.length, 3);
  assert.equal(state.identity, 'c');
});

test('AuthState: a refresh that fails leaves it expired, and can be tried again', async () => {
  const { state, servers, clock } = setUp();
  const authenticated = state.authenticate(QUESTION);
  servers.grant(1, 'a', ENTRY);
  await authenticated;
  clock.advance(2000);

  const failed = state.refresh();
  servers.fail();
  await assert.rejects(failed, new Error('no server'));
  const wasExpired = state.isExpired;
  const refreshed = state.refresh();
  servers.grant(1, 'b', ENTRY);
  await refreshed;

  assert.deepEqual([wasExpired, state.isExpired], [true, false]);
});

test('AuthState: many different questions are all answered right', async () => {
  const { state, servers } = setUp();
  const authenticated = state.authenticate(QUESTION);
  servers.grant(60, 'a', { ...ENTRY, topic: '0$' });
  await authenticated;

  const wrong: string[] = [];
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 1000; index++) {
      const isAllowed = state.isAllowed('publish', `t${index}`, '', FREE);
      if (isAllowed !== (index % 10 === 0)) wrong.push(`t${index}`);
    }
  }

  assert.deepEqual(wrong, []);
});

test('AuthState: a refresh without AUTH is an error', async () => {
  const { state } = setUp();

  await assert.rejects(state.refresh(), new Error('AUTH required before a refresh'));
});

test('AuthState: what was looked up once costs nothing again', async () => {
  const { state, servers } = setUp();
  const authenticated = state.authenticate(QUESTION);
  servers.grant(60, 'joe', ENTRY);
  await authenticated;
  const costs: number[] = [];

  for (const topic of ['t', 't', 'u']) {
    state.isAllowed('publish', topic, '', (cost) => costs.push(cost));
  }

  assert.strictEqual(costs.length, 2);
  assert.ok(costs[0] > 0 && costs[1] === costs[0]);
});
