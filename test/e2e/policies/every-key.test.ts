/**
 * Every key of the policies from the outside: one message is published over TCP and another over HTTP, nsqjs consumes,
 * and the counts in `/stats` say where each message went.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../../scripts/kit/broker.ts';
import { pub } from '../../../src/protocol/commands.ts';
import { BrokerSite } from '../../support/broker-process.ts';
import { ask, channelStats, until } from '../../support/broker-stats.ts';
import { Inbox } from '../../support/inbox.ts';
import { type NsqMessage, type NsqReader, openReader } from '../../support/nsqjs.ts';
import { setPolicy } from '../../support/policies.ts';
import { WireClient } from '../../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };

const broker = await new BrokerSite({ after }).start();

/** Counts of a channel, with those that policies add. */
type Counts = {
  readonly depth: number;
  readonly backend_depth: number;
  readonly in_flight_count: number;
  readonly deferred_count: number;
  readonly message_count: number;
  readonly timeout_count: number;
  readonly throttled?: number;
  readonly dropped_count?: number;
  readonly expired_count?: number;
  readonly attempts_exceeded_count?: number;
  readonly dead_letter_count?: number;
};

/** The answers to a message over TCP and one over HTTP. */
type Answers = { readonly tcp: string | null; readonly http: number };

for (const acknowledge of ['write', 'fsync']) {
  test(`acknowledge=${acknowledge}: nothing is lost by kill -9`, LIMIT, async (t) => {
    const site = new BrokerSite(t);
    const first = await site.start();
    await setPolicy(first, 'safe', { pattern: 'safe', acknowledge });
    await publishBoth(t, 'safe', first);
    await first.kill();
    const second = await site.start();
    const bodies = await consume(t, 'safe', 2, second);

    assert.deepEqual(bodies.sort(), ['over HTTP', 'over TCP']);
    await assertAllIn('safe', 2, second);
  });
}

test('mem-queue-size: the rest is on disk, and comes too', LIMIT, async (t) => {
  await setPolicy(broker, 'small', { pattern: 'small:*', 'mem-queue-size': 1 });
  await create('small');
  await publishBoth(t, 'small');
  const { depth, backend_depth } = await counts('small');
  const bodies = await consume(t, 'small', 2);

  assert.deepEqual([depth, backend_depth], [2, 1]);
  assert.deepEqual(bodies.sort(), ['over HTTP', 'over TCP']);
  await assertAllIn('small', 2);
});

for (const bound of [{ 'max-depth': 1 }, { 'max-bytes': 30 + 'first'.length }]) {
  const [key] = Object.keys(bound);

  test(`${key}, when-full=reject: what does not fit is refused`, LIMIT, async (t) => {
    const topic = `reject-${key}`;
    await setPolicy(broker, topic, { pattern: `${topic}:*`, ...bound });
    await create(topic);
    await publish(t, topic, 'first');
    const answers = await publishBoth(t, topic);
    const bodies = await consume(t, topic, 1);

    assert.match(answers.tcp ?? '', new RegExp(`E_PUB_FAILED .*is full, --${key}`));
    assert.equal(answers.http, 503);
    assert.deepEqual(bodies, ['first']);
    await assertAllIn(topic, 1);
  });

  test(`${key}, when-full=drop-oldest: the newest stays`, LIMIT, async (t) => {
    const topic = `drop-${key}`;
    await setPolicy(broker, topic, {
      pattern: `${topic}:*`,
      'when-full': 'drop-oldest',
      ...(key === 'max-depth' ? bound : { 'max-bytes': 30 + 'over HTTP'.length }),
    });
    await create(topic);
    await publishBoth(t, topic);
    const bodies = await consume(t, topic, 1);

    assert.deepEqual(bodies, ['over HTTP']);
    assert.equal((await counts(topic)).dropped_count, 1);
    await assertAllIn(topic, 1);
  });

  test(`${key}, when-full=dead-letter: the oldest goes to the dead letters`, LIMIT, async (t) => {
    const topic = `letter-${key}`;
    await setPolicy(broker, topic, {
      pattern: `${topic}:*`,
      'when-full': 'dead-letter',
      'dead-letter': `dead.${topic}`,
      ...(key === 'max-depth' ? bound : { 'max-bytes': 30 + 'over HTTP'.length }),
    });
    await create(topic);
    await publishBoth(t, topic);
    const dead = await consume(t, `dead.${topic}`, 1);
    const bodies = await consume(t, topic, 1);

    assert.deepEqual([dead, bodies], [['over TCP'], ['over HTTP']]);
    await until(
      () => counts(topic),
      ({ dead_letter_count }) => dead_letter_count === 1,
    );
    await assertAllIn(topic, 1);
    await assertAllIn(`dead.${topic}`, 1);
  });
}

test('message-ttl: what is too old is dropped', LIMIT, async (t) => {
  await setPolicy(broker, 'old', { pattern: 'old:*', 'message-ttl': '20ms' });
  await create('old');
  await publishBoth(t, 'old');
  await until(
    () => counts('old'),
    ({ expired_count }) => expired_count === 2,
  );

  await assertAllIn('old', 0);
});

test('message-ttl, dead-letter: what is too old goes to its topic as it was', LIMIT, async (t) => {
  await setPolicy(broker, 'stale', {
    pattern: 'stale:*',
    'message-ttl': '20ms',
    'dead-letter': 'dead.stale',
  });
  await create('stale');
  await publishBoth(t, 'stale');
  const bodies = await consume(t, 'dead.stale', 2);
  await until(
    () => counts('stale'),
    ({ dead_letter_count }) => dead_letter_count === 2,
  );

  assert.deepEqual(bodies.sort(), ['over HTTP', 'over TCP']);
  assert.equal((await counts('stale')).expired_count, 2);
  await assertAllIn('stale', 0);
  await assertAllIn('dead.stale', 2);
});

test('max-attempts: after the last one a message is dropped', LIMIT, async (t) => {
  await setPolicy(broker, 'thrice', { pattern: 'thrice:*', 'max-attempts': 3 });
  await create('thrice');
  const attempts: number[] = [];
  openReader(t, broker, 'thrice', 'c', (message) => {
    attempts.push(message.attempts);
    message.requeue(0, false);
  });
  await publishBoth(t, 'thrice');
  await until(
    () => counts('thrice'),
    ({ attempts_exceeded_count }) => attempts_exceeded_count === 2,
  );

  assert.deepEqual(attempts.sort(), [1, 1, 2, 2, 3, 3]);
  await assertAllIn('thrice', 0);
});

test('dead-letter-envelope: the body is wrapped with where it was', LIMIT, async (t) => {
  await setPolicy(broker, 'wrapped', {
    pattern: 'wrapped:*',
    'message-ttl': '20ms',
    'dead-letter': 'dead.wrapped',
    'dead-letter-envelope': 'json',
  });
  await create('wrapped');
  await publishBoth(t, 'wrapped');
  const letters = (await consume(t, 'dead.wrapped', 2)).map((body) => JSON.parse(body));

  for (const { reason, topic, channel, encoding } of letters) {
    assert.deepEqual([reason, topic, channel, encoding], ['expired', 'wrapped', 'c', 'utf-8']);
  }
  assert.deepEqual(letters.map(({ body }) => body).sort(), ['over HTTP', 'over TCP']);
});

test('max-rate, burst: the rest waits', LIMIT, async (t) => {
  await setPolicy(broker, 'rate', { pattern: 'rate:*', 'max-rate': 10, burst: 2 });
  await create('rate');
  await publishBoth(t, 'rate');
  await publishBoth(t, 'rate');
  const beforeMs = performance.now();
  await consume(t, 'rate', 4);
  const tookMs = performance.now() - beforeMs;

  // Two go at once, and two more at 100 ms each: no load makes that shorter.
  assert.ok(tookMs >= 199, `${tookMs} ms`);
  assert.ok(((await counts('rate')).throttled ?? 0) > 0);
  await assertAllIn('rate', 4);
});

test('max-in-flight: whatever RDY says', LIMIT, async (t) => {
  await setPolicy(broker, 'flight', { pattern: 'flight:*', 'max-in-flight': 1 });
  await create('flight');
  await publishBoth(t, 'flight');
  const inbox = new Inbox<NsqMessage>();
  openReader(t, broker, 'flight', 'c', inbox.put, { maxInFlight: 10 });
  const [first] = await inbox.atLeast(1);
  const held = await until(
    () => counts('flight'),
    ({ throttled = 0 }) => throttled > 0,
  );
  first.finish();
  const [, second] = await inbox.atLeast(2);
  second.finish();

  assert.deepEqual([held.in_flight_count, held.depth], [1, 1]);
  await assertAllIn('flight', 2);
});

test(
  'expires: a channel goes when its last consumer has been gone for so long',
  LIMIT,
  async (t) => {
    await create('gone');
    await publishBoth(t, 'gone');
    const { reader, bodies } = open(t, 'gone', broker);
    await bodies.atLeast(2);
    await assertAllIn('gone', 2);
    await setPolicy(broker, 'gone', { pattern: 'gone:*', expires: '1s', 'warn-after': '1ms' });
    reader.close();
    await broker.logged(/TOPIC\(gone\): channel\(c\) has had no consumer for .*, deleting/);

    assert.equal(
      await until(
        () => channelStats(broker, 'gone', 'c'),
        (found) => found === undefined,
      ),
      undefined,
    );
  },
);

test(
  'deduplicate, deduplicate-key: the second one is dropped, however it comes',
  LIMIT,
  async (t) => {
    await setPolicy(broker, 'twice', {
      pattern: 'twice',
      deduplicate: '1h',
      'deduplicate-key': 'prefix:5',
    });
    await create('twice');
    const answers = await publishBoth(t, 'twice');
    await publish(t, 'twice', 'other');
    const bodies = await consume(t, 'twice', 2);

    // Both begin with "over ".
    assert.deepEqual(answers, { tcp: 'OK', http: 200 });
    assert.deepEqual(bodies, ['over TCP', 'other']);
    await assertAllIn('twice', 2);
  },
);

test('msg-timeout: of a consumer that negotiates none', LIMIT, async (t) => {
  await setPolicy(broker, 'slow', { pattern: 'slow:*', 'msg-timeout': '30ms' });
  await create('slow');
  await publishBoth(t, 'slow');
  const attempts: number[] = [];
  openReader(t, broker, 'slow', 'c', (message) => {
    attempts.push(message.attempts);
    if (message.attempts > 1) message.finish();
  });
  await until(
    () => counts('slow'),
    ({ depth, in_flight_count, timeout_count }) =>
      depth + in_flight_count === 0 && timeout_count >= 2,
  );

  assert.deepEqual(attempts.slice(0, 1), [1]);
  await assertAllIn('slow', 2);
});

test('requeue-backoff: a timeout waits, and REQ as long as it says', LIMIT, async (t) => {
  await setPolicy(broker, 'backoff', {
    pattern: 'backoff:*',
    'msg-timeout': '30ms',
    'requeue-backoff': 'exponential(1h,2h)',
  });
  await create('backoff');
  await publishBoth(t, 'backoff');
  const finished = new Inbox<number>();
  openReader(t, broker, 'backoff', 'c', (message) => {
    // One is left to time out.
    if (message.body.toString() === 'over TCP') return;
    if (message.attempts === 1) message.requeue(0, false);
    else {
      message.finish();
      finished.put(message.attempts);
    }
  });
  const [attempts] = await finished.atLeast(1);
  const { timeout_count } = await until(
    () => counts('backoff'),
    ({ deferred_count }) => deferred_count === 1,
  );

  assert.deepEqual([attempts, timeout_count], [2, 1]);
  await assertAllIn('backoff', 1);
});

/** Publishes "over TCP", and then "over HTTP". */
async function publishBoth(t: TestContext, topic: string, at = broker): Promise<Answers> {
  const tcp = await publish(t, topic, 'over TCP', at);
  const { status } = await ask(at, `/pub?topic=${topic}`, 'over HTTP');
  return { tcp, http: status };
}

async function publish(
  t: TestContext,
  topic: string,
  body: string,
  at = broker,
): Promise<string | null> {
  const client = await WireClient.connect(t, at, pub(topic, body));
  return client.nextText();
}

/** Makes a topic with channel c. */
async function create(topic: string): Promise<void> {
  for (const path of [`/topic/create?topic=${topic}`, `/channel/create?topic=${topic}&channel=c`]) {
    const { status } = await ask(broker, path, null);
    assert.equal(status, 200);
  }
}

/** A reader of nsqjs that finishes everything. */
function open(
  t: TestContext,
  topic: string,
  at: BrokerProcess,
): { reader: NsqReader; bodies: Inbox<string> } {
  const bodies = new Inbox<string>();
  const { reader } = openReader(
    t,
    at,
    topic,
    'c',
    (message) => {
      message.finish();
      bodies.put(message.body.toString());
    },
    { maxInFlight: 10 },
  );
  return { reader, bodies };
}

/** Consumes this many messages from channel c, and closes. */
async function consume(
  t: TestContext,
  topic: string,
  count: number,
  at = broker,
): Promise<string[]> {
  const { reader, bodies } = open(t, topic, at);
  const received = [...(await bodies.atLeast(count))];
  const closed = once(reader, 'nsqd_closed');
  reader.close();
  await closed;
  return received;
}

async function counts(topic: string, at = broker): Promise<Counts> {
  // what policies add is typed here, where it is looked at
  return (await channelStats(at, topic, 'c')) as Counts;
}

/** Every message that channel c ever got is finished, waits, or has gone by a rule that counts it. */
async function assertAllIn(topic: string, finished: number, at = broker): Promise<void> {
  await until(
    () => counts(topic, at),
    (of) =>
      of.message_count ===
      finished +
        of.depth +
        of.in_flight_count +
        of.deferred_count +
        (of.dropped_count ?? 0) +
        (of.expired_count ?? 0) +
        (of.attempts_exceeded_count ?? 0),
  );
}
