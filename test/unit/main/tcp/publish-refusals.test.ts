import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAGIC, mpub, pub } from '../../../../src/protocol/commands.ts';
import { BrokerTurns } from '../../../support/broker-turns.ts';
import { FakeSocket } from '../../../support/fake-socket.ts';
import { wire, withBody } from '../../../support/wire.ts';

const SHORTAGE = '1.0MiB are free';

describe('a broker that is short of disk space', () => {
  const cases: readonly (readonly [string, Buffer, string])[] = [
    ['PUB', pub('t', 'a'), 'error E_PUB_FAILED PUB failed 1.0MiB are free'],
    ['MPUB', mpub('t', ['a', 'b']), 'error E_MPUB_FAILED MPUB failed 1.0MiB are free'],
    ['DPUB', withBody('DPUB t 5', 'a'), 'error E_DPUB_FAILED DPUB failed 1.0MiB are free'],
    ['PUB to an ephemeral topic', pub('t#ephemeral', 'a'), 'response OK'],
  ];
  for (const [what, command, answer] of cases) {
    test(`${what} is answered ${answer}`, async () => {
      const broker = new BrokerTurns();
      broker.topics.diskShortage = SHORTAGE;
      const client = broker.connect(new FakeSocket());

      client.send(wire(MAGIC, command));
      await broker.turns();

      assert.deepStrictEqual(client.frames(), [answer]);
    });
  }

  test('what was published before is delivered and finished', async () => {
    const broker = new BrokerTurns();
    const client = broker.connect(new FakeSocket());
    client.send(wire(MAGIC, pub('t', 'a'), 'SUB t c\n'));
    await broker.turns();
    client.frames();
    broker.topics.diskShortage = SHORTAGE;

    client.send('RDY 1\n');
    await broker.turns();

    assert.deepStrictEqual(client.frames(), ['message 1 a']);
  });

  test('publishes before the refused one keep their answers, in order', async () => {
    const broker = new BrokerTurns({ memQueueSize: 0 });
    broker.isDiskRunning = false;
    const client = broker.connect(new FakeSocket());
    client.send(wire(MAGIC, pub('t', 'a')));
    await broker.turns();
    broker.topics.diskShortage = SHORTAGE;
    client.send(pub('t', 'b'));
    await broker.turns();
    const before = client.frames();

    broker.isDiskRunning = true;
    await broker.turns();

    assert.deepStrictEqual(before, []);
    assert.deepStrictEqual(client.frames(), [
      'response OK',
      'error E_PUB_FAILED PUB failed 1.0MiB are free',
    ]);
  });

  test('it accepts again when there is space', async () => {
    const broker = new BrokerTurns();
    broker.topics.diskShortage = SHORTAGE;
    broker.topics.diskShortage = null;
    const client = broker.connect(new FakeSocket());

    client.send(wire(MAGIC, pub('t', 'a')));
    await broker.turns();

    assert.deepStrictEqual(client.frames(), ['response OK']);
  });
});
