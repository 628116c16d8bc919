import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ClientShare } from '../../../../src/main/limits/client-share.ts';
import { REFUSAL_COST, TurnShares } from '../../../../src/main/limits/turn-shares.ts';

/** A client's share, and what it does. */
type Site = {
  readonly shares: TurnShares;
  readonly taker: { allowance: number };
  readonly share: ClientShare;
  /** What a turn gives a client at most. */
  readonly whole: number;
  /** What the turns were told, in order. */
  used(): number[];
  /** How many rests have been asked for, and are over. */
  rests(): { begun: number; ended: number };
};

function setUp(t: TestContext): Site {
  const shares = new TurnShares(() => undefined);
  const use = t.mock.method(shares, 'use');
  const rest = t.mock.method(shares, 'rest');
  const taker = { allowance: Number.POSITIVE_INFINITY };
  let ended = 0;
  const share = new ClientShare(shares, taker, () => {
    ended++;
  });
  return {
    shares,
    taker,
    share,
    whole: shares.share(),
    used: () => use.mock.calls.map((call) => call.arguments[0]),
    rests: () => ({ begun: rest.mock.callCount(), ended }),
  };
}

test('ClientShare: a turn gives one share, and the next one another', (t) => {
  const { shares, taker, share, whole } = setUp(t);

  share.take();
  const first = taker.allowance;
  taker.allowance -= 100;
  share.take();
  const second = taker.allowance;
  shares.nextTurn();
  share.take();

  assert.deepStrictEqual([first, second, taker.allowance], [whole, whole - 100, whole]);
});

test('ClientShare: what is taken beyond a share goes off the next one', (t) => {
  const { shares, taker, share, whole } = setUp(t);
  share.take();
  taker.allowance -= whole + 70;

  shares.nextTurn();
  share.take();

  assert.equal(taker.allowance, whole - 70);
});

test('ClientShare: the turn is told what was taken, each time what is new', (t) => {
  const { shares, taker, share, used } = setUp(t);

  share.take();
  share.tell();
  taker.allowance -= 100;
  share.tell();
  share.take();
  taker.allowance -= 7;
  share.tell();
  shares.nextTurn();
  share.take();
  taker.allowance -= 3;
  share.tell();

  assert.deepStrictEqual(used(), [0, 100, 7, 3]);
});

test('ClientShare: a refusal is charged to the turn at once, and to the client with its next share', (t) => {
  const { shares, taker, share, whole, used } = setUp(t);
  share.take();
  share.chargeRefusal();
  share.chargeRefusal();
  const before = taker.allowance;

  shares.nextTurn();
  share.take();
  const next = taker.allowance;
  shares.nextTurn();
  share.take();

  assert.deepStrictEqual(used(), [REFUSAL_COST, REFUSAL_COST]);
  assert.deepStrictEqual([before, next, taker.allowance], [whole, whole - 2 * REFUSAL_COST, whole]);
});

test('ClientShare: it is used up when nothing is left', (t) => {
  const { taker, share, whole } = setUp(t);
  share.take();
  taker.allowance -= whole - 1;
  const before = share.isUsedUp;

  taker.allowance -= 1;

  assert.deepStrictEqual([before, share.isUsedUp], [false, true]);
});

test('ClientShare: a client rests until one of the next turns, once however often it is asked to', (t) => {
  const { shares, share, rests } = setUp(t);
  share.take();
  share.rest();
  share.rest();
  const before = share.isResting;

  shares.nextTurn();
  shares.nextTurn();

  assert.deepStrictEqual([before, share.isResting], [true, false]);
  assert.deepStrictEqual(rests(), { begun: 1, ended: 1 });
});

test('ClientShare: while it rests it gets no share, but when it goes on', (t) => {
  const { shares, taker, share, whole } = setUp(t);
  share.take();
  taker.allowance -= whole + 70;
  // More rest before it than one turn has something for.
  for (let count = 0; count < 20; count++) shares.rest({ endRest: () => undefined });
  share.rest();
  shares.nextTurn();
  share.take();
  const meanwhile = [share.isResting, taker.allowance];

  shares.nextTurn();
  share.take();

  assert.deepStrictEqual(meanwhile, [true, -70]);
  assert.deepStrictEqual([share.isResting, taker.allowance], [false, whole - 70]);
});
