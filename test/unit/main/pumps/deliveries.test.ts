import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Deliveries } from '../../../../src/main/pumps/deliveries.ts';
import { encodeControl, type PumpEvent } from '../../../../src/shared/control.ts';
import * as records from '../../../../src/shared/records.ts';
import { allocateDoorbell, Doorbell } from '../../../../src/shared/ring/doorbell.ts';
import { MainRings } from '../../../support/main-rings.ts';
import { strictGuard } from '../../../support/strict-guard.ts';

const MAX = 0xffffffff;

class Setup {
  readonly rings = new MainRings();
  readonly bell = new Doorbell(allocateDoorbell());
  readonly calls: string[] = [];
  readonly events: PumpEvent[] = [];
  workCount = 0;
  readonly deliveries = new Deliveries({
    pumps: [this.rings.handle],
    bell: this.bell,
    clock: this.rings.clock,
    target: (consumer) => {
      if (consumer !== 5) return undefined;
      return {
        destroy: () => this.calls.push('destroy'),
        deliver: (frames) => this.calls.push(`frames ${frames.toString()}`),
        refuse: (error) => this.calls.push(error.data.toString()),
      };
    },
    guard: strictGuard(),
    onDeadLetters: (_, token, head, letters, count) => {
      this.calls.push(`${count} letters ${token} ${head.reason} ${letters.length}`);
    },
    onEvent: (event) => this.events.push(event),
    onWork: () => {
      this.workCount++;
      this.onWork();
    },
  });
  onWork: () => void = () => undefined;
}

test('Deliveries: frames go to their consumer, those of others nowhere', () => {
  const { rings, deliveries, calls } = new Setup();
  rings.say(records.FRAMES, [5, 1], Buffer.from('one'));
  rings.say(records.FRAMES, [6, 1], Buffer.from('gone'));
  rings.say(records.FRAMES, [5, 1], Buffer.from('two'));

  const count = deliveries.read();

  assert.deepStrictEqual([count, deliveries.read()], [3, 0]);
  assert.deepStrictEqual(calls, ['frames one', 'frames two']);
});

test('Deliveries: every command and reason of a refusal has its text', () => {
  const { rings, deliveries, calls } = new Setup();
  for (const command of [records.FINISH, records.REQUEUE, records.TOUCH]) {
    rings.say(records.REFUSED, [5, command, records.REFUSED_NOT_IN_FLIGHT, 0x12345678, 0x9abcdef0]);
    rings.say(records.REFUSED, [5, command, records.REFUSED_NOT_OWNER, 0, MAX]);
  }
  rings.say(records.REFUSED, [6, records.FINISH, records.REFUSED_NOT_OWNER, 0, 0]);

  deliveries.read();

  assert.deepStrictEqual(calls, [
    'E_FIN_FAILED FIN 123456789abcdef0 failed ID not in flight',
    'E_FIN_FAILED FIN 00000000ffffffff failed client does not own message',
    'E_REQ_FAILED REQ 123456789abcdef0 failed ID not in flight',
    'E_REQ_FAILED REQ 00000000ffffffff failed client does not own message',
    'E_TOUCH_FAILED TOUCH 123456789abcdef0 failed ID not in flight',
    'E_TOUCH_FAILED TOUCH 00000000ffffffff failed client does not own message',
  ]);
});

test('Deliveries: answers carry null or why not', () => {
  const { rings, deliveries } = new Setup();
  const answers: (string | null)[] = [];
  const first = rings.handle.nextAnswer((error) => answers.push(error));
  const second = rings.handle.nextAnswer((error) => answers.push(error));
  rings.say(records.ANSWER, [first, 1]);
  rings.say(records.ANSWER, [second, 0], Buffer.from('voll é'));

  deliveries.read();

  assert.deepStrictEqual(answers, [null, 'voll é']);
});

test('Deliveries: a reply in pieces is put together', async () => {
  const { rings, deliveries } = new Setup();
  const reply = rings.handle.request({ do: 'settle' });
  const { token } = rings.nextControl();
  const bytes = encodeControl({ error: 'a long text of several pieces' });
  rings.say(records.REPLY, [token, 1], bytes.subarray(0, 5));
  rings.say(records.REPLY, [token, 1], bytes.subarray(5, 6));
  deliveries.read();
  rings.say(records.REPLY, [token, 0], bytes.subarray(6));

  deliveries.read();

  assert.deepStrictEqual(await reply, { error: 'a long text of several pieces' });
});

test('Deliveries: events are handed on', () => {
  const { rings, deliveries, events } = new Setup();
  const event: PumpEvent = { event: 'log', level: 'warn', text: 'something' };
  rings.say(records.EVENT, [], encodeControl(event));

  deliveries.read();

  assert.deepStrictEqual(events, [event]);
});

test('Deliveries: a record that no pump sends is a bug', () => {
  const { rings, deliveries } = new Setup();
  rings.say(99, [0]);

  assert.throws(() => deliveries.read(), /a pump sends no other records/);
});

test('Deliveries: a pump that waits for room is woken', () => {
  const { rings, deliveries } = new Setup();
  while (rings.deliveries.claim(1_000_000) !== -1)
    rings.deliveries.commit(records.FRAMES, 1_000_000);

  deliveries.read();

  assert.equal(rings.rings, 1);
});

test('Deliveries: run reads whenever the bell is rung, until it is stopped', async () => {
  const setup = new Setup();
  const { rings, deliveries, bell, calls } = setup;
  const running = deliveries.run();
  await setImmediate();
  rings.say(records.FRAMES, [5, 1], Buffer.from('one'));
  bell.ring();
  while (calls.length < 1) await setImmediate();
  rings.say(records.FRAMES, [5, 1], Buffer.from('two'));
  bell.ring();
  while (calls.length < 2) await setImmediate();

  deliveries.stop();
  await running;

  assert.deepStrictEqual([calls, setup.events], [['frames one', 'frames two'], []]);
});

test('Deliveries: run ends the turn although the bell brought nothing to read', {
  timeout: 5000,
}, async () => {
  // A pump rings as well when a ring has room again, and publishers wait to be told.
  const setup = new Setup();
  const running = setup.deliveries.run();
  await setImmediate();
  const before = setup.workCount;

  setup.bell.ring();
  while (setup.workCount === before) await setImmediate();
  setup.deliveries.stop();
  await running;

  assert.ok(setup.workCount > before);
});

test('Deliveries: run finds room that was given back while main was awake', {
  timeout: 5000,
}, async () => {
  // A pump that rings then rings nobody; what it has given back must be seen before main falls asleep.
  const setup = new Setup();
  const { rings, deliveries, bell } = setup;
  while (rings.publish(1, ['x'.repeat(100_000)]));
  rings.handle.flush();
  const told = Promise.withResolvers<string>();
  rings.handle.onWritable(1, () => told.resolve('told'));
  const running = deliveries.run();
  await setImmediate();
  setup.onWork = () => {
    setup.onWork = () => undefined;
    process.nextTick(() => {
      rings.takePublishes();
      bell.ring();
    });
  };

  bell.ring();
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  const outcome = await Promise.race([told.promise, Promise.resolve('not told')]);
  deliveries.stop();
  await running;

  assert.equal(outcome, 'told');
});

test('Deliveries: a wake-up that is lost costs ten seconds at most', {
  timeout: 5000,
}, async () => {
  const { rings, deliveries, calls } = new Setup();
  const running = deliveries.run();
  await turns();
  // Nobody rings.
  rings.say(records.FRAMES, [5, 1], Buffer.from('one'));

  rings.clock.advance(9_999);
  await turns();
  const before = [...calls];
  rings.clock.advance(1);
  await turns();
  rings.say(records.FRAMES, [5, 1], Buffer.from('two'));
  rings.clock.advance(10_000);
  await turns();
  deliveries.stop();
  await running;

  assert.deepStrictEqual([before, calls], [[], ['frames one', 'frames two']]);
  assert.equal(rings.clock.timerCount, 0);
});

/** More than main needs to fall asleep. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate();
}
