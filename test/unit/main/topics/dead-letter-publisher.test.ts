import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acknowledgements } from '../../../../src/main/stats/node-meters.ts';
import { DeadLetterPublisher } from '../../../../src/main/topics/dead-letter-publisher.ts';
import { Publisher } from '../../../../src/main/topics/publisher.ts';
import { TopicMap } from '../../../../src/main/topics/topic-map.ts';
import type { DeadLetterHead } from '../../../../src/shared/control.ts';
import { MainRings, type TakenPublish } from '../../../support/main-rings.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { recordBytes } from '../../../support/message-bytes.ts';
import { NO_REGISTRY } from '../../../support/no-registry.ts';
import { samePolicies } from '../../../support/topic-policies.ts';

const ID = '0123456789abcdef';
const TIMESTAMP_NS = 1_795_855_463_123_456_789n;
const HEAD: DeadLetterHead = {
  topic: 'orders',
  channel: 'billing',
  target: 'dead',
  isWrapped: false,
  reason: 'attempts',
};

class Setup {
  readonly rings = new MainRings();
  readonly log: string[] = [];
  readonly settled: boolean[] = [];
  readonly #publisher: DeadLetterPublisher;

  constructor(maxMsgSize = 1024 * 1024) {
    const write = (text: string): void => void this.log.push(text);
    const topics = new TopicMap({
      atTurnEnd: () => undefined,
      clock: new ManualClock(),
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      registry: NO_REGISTRY,
      pumps: [this.rings.handle],
      policies: samePolicies(),
      onChange: () => undefined,
    });
    this.#publisher = new DeadLetterPublisher({
      topics,
      publisher: new Publisher(topics, new Acknowledgements(new ManualClock())),
      maxMsgSize,
      logger: { info: write, warn: write },
    });
  }

  /** Publishes, and answers as the pump would. */
  async send(
    head: Partial<DeadLetterHead>,
    bodies: readonly (string | Buffer)[],
    error: string | null = null,
  ): Promise<Pick<TakenPublish, 'bodies' | 'isToDisk'>> {
    const records = Buffer.concat(bodies.map((body) => recordBytes(TIMESTAMP_NS, 5, ID, body)));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#publisher.publish({ ...HEAD, ...head }, records, bodies.length, (isKept) => {
      this.settled.push(isKept);
      resolve();
    });
    this.rings.handle.flush();
    const [{ bodies: sent, token, isToDisk }] = this.rings.takePublishes();
    this.rings.handle.onAnswer(token, error);
    await promise;
    return { bodies: sent, ...(isToDisk && { isToDisk }) };
  }
}

test('DeadLetterPublisher: bodies go to disk as they were, and are kept when the pump says so', async () => {
  const setup = new Setup();

  const sent = await setup.send({}, ['a', '', 'c']);

  assert.deepEqual(sent, { bodies: ['a', '', 'c'], isToDisk: true });
  assert.deepEqual(setup.settled, [true]);
});

test('DeadLetterPublisher: an envelope says where a message comes from, exactly', async () => {
  const setup = new Setup();

  const { bodies } = await setup.send({ isWrapped: true }, ['{"id":"ü"}']);

  assert.equal(
    Buffer.from(bodies[0], 'latin1').toString(),
    '{"reason":"attempts","topic":"orders","channel":"billing",' +
      `"id":"${ID}","attempts":5,"timestamp":${TIMESTAMP_NS},` +
      '"encoding":"utf-8","body":"{\\"id\\":\\"ü\\"}"}',
  );
});

test('DeadLetterPublisher: bytes that are no text are in base64', async () => {
  const setup = new Setup();
  const body = Buffer.from([0xff, 0, 0x80]);

  const { bodies } = await setup.send({ isWrapped: true, channel: '' }, [body]);

  const { encoding, body: text, channel } = JSON.parse(bodies[0]);
  assert.deepEqual([encoding, text, channel], ['base64', body.toString('base64'), '']);
});

test('DeadLetterPublisher: an envelope that would be too large is left out', async () => {
  const setup = new Setup(300);

  const { bodies } = await setup.send({ isWrapped: true }, ['x'.repeat(300), 'small']);

  assert.equal(bodies[0], 'x'.repeat(300));
  assert.match(bodies[1], /^\{"reason"/);
});

test('DeadLetterPublisher: a topic that refuses is named once, and once more when it takes them again', async () => {
  const setup = new Setup();

  await setup.send({}, ['a'], 'no space');
  await setup.send({}, ['a'], 'no space');
  await setup.send({}, ['a']);
  await setup.send({}, ['b']);

  assert.deepEqual(setup.settled, [false, false, true, true]);
  assert.deepEqual(setup.log, [
    'TOPIC(dead): accepts no dead letters from orders:billing; they stay there and are sent again - no space',
    'TOPIC(dead): accepts dead letters again',
  ]);
});
