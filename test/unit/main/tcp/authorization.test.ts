import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthState } from '../../../../src/main/auth/auth-state.ts';
import { Grant } from '../../../../src/main/auth/grant.ts';
import { Authorization } from '../../../../src/main/tcp/authorization.ts';
import { CLOSED, WAIT } from '../../../../src/main/tcp/command-handler.ts';
import { OK_FRAME } from '../../../../src/protocol/frames.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { RecordingPort } from '../../../support/recording-port.ts';

const TTL_S = 10;
const QUESTION = {
  remoteIp: '127.0.0.1',
  isTls: false,
  commonName: '',
  secret: Buffer.from('secret'),
};

/** Auth servers that permit publishing to topics that begin with "o", until they are down. */
class Servers {
  isDown = false;
  queryCount = 0;

  query(): Promise<Grant> {
    this.queryCount++;
    if (this.isDown) return Promise.reject(new Error('no server'));
    const authorizations = [{ topic: '^o', channels: ['.*'], permissions: ['publish'] }];
    return Grant.parse(JSON.stringify({ ttl: TTL_S, identity: 'me', authorizations }));
  }
}

async function authenticated(): Promise<{
  port: RecordingPort;
  authorization: Authorization;
  clock: ManualClock;
  servers: Servers;
}> {
  const servers = new Servers();
  const clock = new ManualClock();
  const state = new AuthState(servers, clock);
  await state.authenticate(QUESTION);
  const port = new RecordingPort(state);
  return { port, authorization: new Authorization(port, state), clock, servers };
}

test('Authorization: without auth servers every command is permitted', () => {
  const port = new RecordingPort();
  const authorization = new Authorization(port, null);

  const step = authorization.refuse('PUB', 'publish', 'topic', '');

  assert.deepStrictEqual([step, authorization.isMissing, port.sent()], [undefined, false, []]);
});

test('Authorization: before AUTH a command is refused, and its body need not be read', () => {
  const port = new RecordingPort();
  const authorization = new Authorization(port, new AuthState(new Servers(), new ManualClock()));
  const { isMissing } = authorization;

  const step = authorization.refuse('MPUB', 'publish', 'orders', '');

  assert.deepStrictEqual(
    [isMissing, step, port.sent()],
    [true, CLOSED, ['E_AUTH_FIRST AUTH required before MPUB']],
  );
});

test('Authorization: while the answer to AUTH is pending, a command waits', () => {
  const port = new RecordingPort();
  const authorization = new Authorization(port, new AuthState(new Servers(), new ManualClock()));
  const settle = port.respondLater();

  const step = authorization.refuse('PUB', 'publish', 'orders', '');
  const { isMissing } = authorization;
  settle(OK_FRAME);

  assert.deepStrictEqual(
    [step, isMissing, authorization.isMissing, port.sent()],
    [WAIT, false, true, ['OK']],
  );
});

test('Authorization: a permitted command costs its check once', async () => {
  const { port, authorization } = await authenticated();

  const steps = [1, 2].map(() => authorization.refuse('PUB', 'publish', 'orders', ''));

  const costOfOne = port.cost;
  authorization.refuse('PUB', 'publish', 'others', '');
  assert.deepStrictEqual([steps, port.sent()], [[undefined, undefined], []]);
  assert.deepStrictEqual([costOfOne > 0, port.cost], [true, 2 * costOfOne]);
});

test('Authorization: what is not permitted is refused with topic and channel', async () => {
  const { port, authorization } = await authenticated();

  const steps = [
    authorization.refuse('PUB', 'publish', 'news', ''),
    authorization.refuse('SUB', 'subscribe', 'orders', 'billing'),
  ];

  assert.deepStrictEqual(
    [steps, port.sent()],
    [
      [CLOSED, CLOSED],
      [
        'E_UNAUTHORIZED AUTH failed for PUB on "news" ""',
        'E_UNAUTHORIZED AUTH failed for SUB on "orders" "billing"',
      ],
    ],
  );
});

test('Authorization: an expired one is renewed while the command waits', async () => {
  const { port, authorization, clock, servers } = await authenticated();
  clock.advance(TTL_S * 1000 + 1);

  const first = authorization.refuse('PUB', 'publish', 'orders', '');
  await Promise.all(port.awaited);
  const second = authorization.refuse('PUB', 'publish', 'orders', '');

  assert.deepStrictEqual(
    [first, second, servers.queryCount, port.sent()],
    [WAIT, undefined, 2, []],
  );
});

test('Authorization: when the renewal fails, the command is refused', async () => {
  const { port, authorization, clock, servers } = await authenticated();
  clock.advance(TTL_S * 1000 + 1);
  servers.isDown = true;

  const first = authorization.refuse('PUB', 'publish', 'orders', '');
  await Promise.all(port.awaited);
  const second = authorization.refuse('PUB', 'publish', 'orders', '');

  assert.deepStrictEqual(
    [first, second, port.sent()],
    [WAIT, CLOSED, ['E_AUTH_FAILED AUTH failed']],
  );
});
