import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelExpiry, type ExpiringChannel } from '../../../../src/main/topics/channel-expiry.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { channelPolicyWith } from '../../../support/topic-policies.ts';

class TestChannel implements ExpiringChannel {
  readonly topic = { name: 't' };
  readonly members = new Set<number>();
  idleSinceMs: number;
  isExpiring = false;
  policy = channelPolicyWith();
  readonly name: string;

  constructor(name: string, clock: ManualClock) {
    this.name = name;
    this.idleSinceMs = clock.monotonicMs();
  }
}

class Setup {
  readonly clock = new ManualClock();
  readonly log: string[] = [];
  readonly expired: string[] = [];
  readonly expiry = new ChannelExpiry<TestChannel>({
    clock: this.clock,
    logger: {
      info: (text) => void this.log.push(text),
      warn: (text) => void this.log.push(text),
    },
    onExpired: ({ name }) => void this.expired.push(name),
  });

  channel(name: string, expiresMs: number, warnAfterMs = 0): TestChannel {
    const channel = new TestChannel(name, this.clock);
    this.set(channel, expiresMs, warnAfterMs);
    return channel;
  }

  set(channel: TestChannel, expiresMs: number, warnAfterMs = 0): void {
    channel.policy = channelPolicyWith({ expiresMs, warnAfterMs });
    this.expiry.onPolicy(channel);
  }

  /** Moves time on by whole seconds. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) this.clock.advance(1000);
  }
}

test('ChannelExpiry: a channel without a consumer expires, one with a consumer does not', () => {
  const setup = new Setup();
  setup.channel('idle', 10_000);
  setup.channel('used', 10_000).members.add(1);
  setup.pass(9);
  const before = [...setup.expired];
  setup.pass(2);

  assert.deepEqual([before, setup.expired], [[], ['idle']]);
  assert.match(
    setup.log.join(),
    /TOPIC\(t\): channel\(idle\) has had no consumer for 10s, deleting/,
  );
});

test('ChannelExpiry: the time begins again when the last consumer leaves', () => {
  const setup = new Setup();
  const channel = setup.channel('c', 10_000);
  channel.members.add(1);
  setup.pass(30);
  channel.members.clear();
  setup.expiry.onIdle(channel);
  setup.pass(9);
  const before = [...setup.expired];
  setup.pass(2);

  assert.deepEqual([before, setup.expired], [[], ['c']]);
});

test('ChannelExpiry: warns once, and takes it back when a consumer comes', () => {
  const setup = new Setup();
  const channel = setup.channel('c', 60_000, 10_000);
  setup.pass(20);
  const warned = channel.isExpiring;
  channel.members.add(1);
  setup.pass(60);

  assert.equal(warned, true);
  assert.deepEqual([channel.isExpiring, setup.expired, setup.log.length], [false, [], 1]);
  assert.match(setup.log[0], /no consumer for 10s, and is deleted in 50s/);
});

test('ChannelExpiry: a policy that ends, or lasts longer, is kept to', () => {
  const setup = new Setup();
  const first = setup.channel('first', 10_000);
  const second = setup.channel('second', 10_000);
  setup.pass(5);
  setup.set(first, 0);
  setup.set(second, 20_000);
  setup.pass(10);
  const before = [...setup.expired];
  setup.pass(10);

  assert.deepEqual([before, setup.expired], [[], ['second']]);
});

test('ChannelExpiry: nothing runs while no channel expires', () => {
  const setup = new Setup();
  const channel = setup.channel('c', 0);
  setup.expiry.onIdle(channel);

  assert.equal(setup.clock.timerCount, 0);
});

test('ChannelExpiry: a deleted channel, or a broker that ends, deletes nothing', () => {
  const setup = new Setup();
  const channel = setup.channel('c', 10_000);
  setup.channel('d', 10_000);
  setup.expiry.onDeleted(channel);
  setup.expiry.stop();
  setup.pass(20);

  assert.deepEqual(setup.expired, []);
});
