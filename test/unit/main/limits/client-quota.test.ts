import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ClientQuota, REFUSAL_COST, TurnBudget } from '../../../../src/main/limits/turn-budget.ts';

/** A client's quota, and what it does. */
type Site = {
  readonly budget: TurnBudget;
  readonly taker: { allowance: number };
  readonly quota: ClientQuota;
  /** What a turn gives a client at most. */
  readonly whole: number;
  /** What the turns were charged, in order. */
  used(): number[];
  /** How often the client was throttled, and released. */
  throttles(): { begun: number; ended: number };
};

function setUp(t: TestContext): Site {
  const budget = new TurnBudget(
    () => undefined,
    () => 0,
  );
  const use = t.mock.method(budget, 'spend');
  const throttle = t.mock.method(budget, 'throttle');
  const taker = { allowance: Number.POSITIVE_INFINITY };
  let ended = 0;
  const quota = new ClientQuota(budget, taker, () => {
    ended++;
  });
  return {
    budget,
    taker,
    quota,
    whole: budget.quota(),
    used: () => use.mock.calls.map((call) => call.arguments[0]),
    throttles: () => ({ begun: throttle.mock.callCount(), ended }),
  };
}

test('ClientQuota: a turn gives one quota, and the next one another', (t) => {
  const { budget, taker, quota, whole } = setUp(t);

  quota.renew();
  const first = taker.allowance;
  taker.allowance -= 100;
  quota.renew();
  const second = taker.allowance;
  budget.nextTurn();
  quota.renew();

  assert.deepStrictEqual([first, second, taker.allowance], [whole, whole - 100, whole]);
});

test('ClientQuota: what is spent beyond a quota is deducted from the next one', (t) => {
  const { budget, taker, quota, whole } = setUp(t);
  quota.renew();
  taker.allowance -= whole + 70;

  budget.nextTurn();
  quota.renew();

  assert.equal(taker.allowance, whole - 70);
});

test('ClientQuota: each report has what was spent since the last one', (t) => {
  const { budget, taker, quota, used } = setUp(t);

  quota.renew();
  quota.report();
  taker.allowance -= 100;
  quota.report();
  quota.renew();
  taker.allowance -= 7;
  quota.report();
  budget.nextTurn();
  quota.renew();
  taker.allowance -= 3;
  quota.report();

  assert.deepStrictEqual(used(), [0, 100, 7, 3]);
});

test('ClientQuota: a refusal is charged to the turn at once, and to the client with its next quota', (t) => {
  const { budget, taker, quota, whole, used } = setUp(t);
  quota.renew();
  quota.chargeRefusal();
  quota.chargeRefusal();
  const before = taker.allowance;

  budget.nextTurn();
  quota.renew();
  const next = taker.allowance;
  budget.nextTurn();
  quota.renew();

  assert.deepStrictEqual(used(), [REFUSAL_COST, REFUSAL_COST]);
  assert.deepStrictEqual([before, next, taker.allowance], [whole, whole - 2 * REFUSAL_COST, whole]);
});

test('ClientQuota: it is spent when nothing is left', (t) => {
  const { taker, quota, whole } = setUp(t);
  quota.renew();
  taker.allowance -= whole - 1;
  const before = quota.isSpent;

  taker.allowance -= 1;

  assert.deepStrictEqual([before, quota.isSpent], [false, true]);
});

test('ClientQuota: a client is throttled until one of the next turns, however often that is asked', (t) => {
  const { budget, quota, throttles } = setUp(t);
  quota.renew();
  quota.throttle();
  quota.throttle();
  const before = quota.isThrottled;

  budget.nextTurn();
  budget.nextTurn();

  assert.deepStrictEqual([before, quota.isThrottled], [true, false]);
  assert.deepStrictEqual(throttles(), { begun: 1, ended: 1 });
});

test('ClientQuota: a throttled client gets no quota before it is released', (t) => {
  const { budget, taker, quota, whole } = setUp(t);
  quota.renew();
  taker.allowance -= whole + 70;
  // More are throttled before it than one turn releases.
  for (let count = 0; count < 20; count++) budget.throttle({ release: () => undefined });
  quota.throttle();
  budget.nextTurn();
  quota.renew();
  const meanwhile = [quota.isThrottled, taker.allowance];

  budget.nextTurn();
  quota.renew();

  assert.deepStrictEqual(meanwhile, [true, -70]);
  assert.deepStrictEqual([quota.isThrottled, taker.allowance], [false, whole - 70]);
});
