import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAGIC, mpub, pub } from '../../../../src/protocol/commands.ts';
import { responseFrame } from '../../../../src/protocol/frames.ts';
import { BrokerTurns } from '../../../support/broker-turns.ts';
import { FakeSocket, messageIds } from '../../../support/fake-socket.ts';
import { SystemError } from '../../../support/system-error.ts';
import { wire, withBody } from '../../../support/wire.ts';

const UPPER_ID = '0123456789ABCDEF';
const ON_DISK = { memQueueSize: 0 };

/** A client that has sent its magic and what else is given. */
async function clientOf(broker: BrokerTurns, ...bytes: readonly Buffer[]): Promise<FakeSocket> {
  const client = broker.connect();
  client.send(wire(MAGIC, ...bytes));
  await broker.turns();
  return client;
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `m${index}`);
}

describe('Connection: messages', () => {
  test('Connection: what is published is delivered as RDY allows and goes on after FIN', async () => {
    const broker = new BrokerTurns();
    const producer = await clientOf(broker, mpub('t', ['a', 'b', 'c']));
    const consumer = await clientOf(broker, wire('SUB t c\nRDY 2\n'));
    const first = consumer.frames();
    const [id] = messageIds(consumer.written);

    consumer.send(`FIN ${id}\n`);
    await broker.turns();

    assert.deepStrictEqual(producer.frames(), ['response OK']);
    assert.deepStrictEqual(first, ['response OK', 'message 1 a', 'message 1 b']);
    assert.deepStrictEqual(consumer.frames(), ['message 1 c']);
  });

  test('Connection: REQ brings a message again with one attempt more', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, pub('t', 'a'), wire('SUB t c\nRDY 1\n'));
    const [id] = messageIds(client.written);
    client.frames();

    client.send(`REQ ${id} 0\n`);
    await broker.turns();

    assert.deepStrictEqual(client.frames(), ['message 2 a']);
  });

  test('Connection: REQ with a delay longer than allowed is shortened', async () => {
    const broker = new BrokerTurns({ maxReqTimeoutMs: 5000 });
    const client = await clientOf(broker, pub('t', 'a'), wire('SUB t c\nRDY 1\n'));
    const [id] = messageIds(client.written);
    client.frames();
    client.send(`REQ ${id} 600000\n`);
    await broker.turns();
    const before = client.frames();

    await broker.advance(5001);

    assert.deepStrictEqual([before, client.frames()], [[], ['message 2 a']]);
  });

  test('Connection: after CLS nothing more is sent, but FIN is taken', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, mpub('t', ['a', 'b']), wire('SUB t c\nRDY 1\n'));
    const [id] = messageIds(client.written);
    client.frames();

    client.send(`CLS\nFIN ${id}\nRDY 1\n`);
    await broker.turns();

    assert.deepStrictEqual([client.frames(), client.hasEnded], [['response CLOSE_WAIT'], false]);
  });

  test('Connection: TOUCH puts the timeout off', async () => {
    const broker = new BrokerTurns({ msgTimeoutMs: 10_000 });
    const client = await clientOf(broker, pub('t', 'a'), wire('SUB t c\nRDY 1\n'));
    const [id] = messageIds(client.written);
    client.frames();
    await broker.advance(9000);
    client.send(`TOUCH ${id}\n`);
    await broker.turns();
    await broker.advance(9000);
    const before = client.frames();

    await broker.advance(1001);

    assert.deepStrictEqual([before, client.frames()], [[], ['message 2 a']]);
  });

  test('Connection: a message of another consumer is refused', async () => {
    const broker = new BrokerTurns();
    const owner = await clientOf(broker, pub('t', 'a'), wire('SUB t c\nRDY 1\n'));
    const other = await clientOf(broker, wire('SUB t c\n'));
    const [id] = messageIds(owner.written);
    other.frames();

    other.send(`FIN ${id}\n`);
    await broker.turns();

    const text = `FIN ${id} failed client does not own message`;
    assert.deepStrictEqual(other.frames(), [`error E_FIN_FAILED ${text}`]);
  });
});

describe('Connection: order of responses', () => {
  test('Connection: publishes are answered when they are on disk, in order', async () => {
    const broker = new BrokerTurns(ON_DISK);
    broker.isDiskRunning = false;
    const client = await clientOf(broker, pub('t', 'a'), mpub('t', ['b', 'c']), pub('u', 'd'));
    const before = client.frames();

    broker.isDiskRunning = true;
    await broker.turns();

    assert.deepStrictEqual(before, []);
    assert.deepStrictEqual(client.frames(), ['response OK', 'response OK', 'response OK']);
  });

  test('Connection: an ephemeral topic is not waited for', async () => {
    const broker = new BrokerTurns(ON_DISK);
    broker.isDiskRunning = false;

    const client = await clientOf(broker, pub('t#ephemeral', 'a'));

    assert.deepStrictEqual(client.frames(), ['response OK']);
  });

  test('Connection: SUB, CLS and unknown words wait for the publishes before them', async () => {
    const broker = new BrokerTurns(ON_DISK);
    broker.isDiskRunning = false;
    const commands = wire(pub('t', 'a'), 'SUB t c\n', pub('t', 'b'), 'CLS\n', 'what\n');
    const client = await clientOf(broker, commands);
    const before = [client.frames(), client.isPaused];

    broker.isDiskRunning = true;
    await broker.turns();

    assert.deepStrictEqual(before, [[], true]);
    assert.deepStrictEqual(client.frames(), [
      'response OK',
      'response OK',
      'response OK',
      'response CLOSE_WAIT',
      'error E_INVALID invalid command what',
    ]);
  });

  for (const command of ['FIN', 'TOUCH', 'REQ']) {
    test(`Connection: a ${command} that fails is told behind the publish before it`, async () => {
      const broker = new BrokerTurns(ON_DISK);
      const client = await clientOf(broker, wire('SUB t c\n'));
      client.frames();
      for (const id of [UPPER_ID, UPPER_ID.toLowerCase()]) {
        const line = command === 'REQ' ? `REQ ${id} 0` : `${command} ${id}`;
        broker.isDiskRunning = false;
        client.send(wire(pub('t', 'a'), `${line}\n`));
        await broker.turns();
        const before = client.frames();

        broker.isDiskRunning = true;
        await broker.turns();

        const error = `error E_${command}_FAILED ${command} ${id} failed ID not in flight`;
        assert.deepStrictEqual([before, client.frames()], [[], ['response OK', error]]);
      }
    });

    test(`Connection: a ${command} that fails is told before the publish behind it`, async () => {
      const broker = new BrokerTurns();
      const client = await clientOf(broker, wire('SUB t c\n'));
      client.frames();
      const lower = UPPER_ID.toLowerCase();
      const tail = command === 'REQ' ? ' 0\n' : '\n';

      client.send(
        wire(`${command} ${lower}${tail}`, pub('t', 'a'), `${command} ${UPPER_ID}${tail}CLS\n`),
      );
      await broker.turns();

      assert.deepStrictEqual(client.frames(), [
        `error E_${command}_FAILED ${command} ${lower} failed ID not in flight`,
        'response OK',
        `error E_${command}_FAILED ${command} ${UPPER_ID} failed ID not in flight`,
        'response CLOSE_WAIT',
      ]);
    });
  }

  test('Connection: a fatal error comes behind what the pump still refuses', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, wire('SUB t c\n'));
    client.frames();

    client.send(`FIN ${UPPER_ID.toLowerCase()}\nSUB t c\n`);
    await broker.turns();

    assert.deepStrictEqual(client.frames(), [
      `error E_FIN_FAILED FIN ${UPPER_ID.toLowerCase()} failed ID not in flight`,
      'error E_INVALID cannot SUB in current state',
    ]);
  });

  test('Connection: a fatal error comes behind publishes that are waited for', async () => {
    const broker = new BrokerTurns(ON_DISK);
    broker.isDiskRunning = false;
    const client = await clientOf(broker, pub('t', 'a'), wire('RDY 1\n'));
    const before = [client.frames(), client.hasEnded];

    broker.isDiskRunning = true;
    await broker.turns();

    const error = 'error E_INVALID cannot RDY in current state';
    assert.deepStrictEqual(before, [[], false]);
    assert.deepStrictEqual([client.frames(), client.hasEnded], [['response OK', error], true]);
  });

  test('Connection: a publish that fails ends the connection before the next command', async () => {
    const broker = new BrokerTurns(ON_DISK);
    await clientOf(broker, pub('t', 'a'));
    broker.fileSystem.onCall = (action, path) => {
      if (action === 'write') throw new SystemError('ENOSPC', 'write', path);
    };
    const client = await clientOf(broker, pub('t', 'b'), wire('SUB t c\n'));

    const frames = client.frames();
    assert.equal(frames.length, 1);
    assert.match(frames[0], /^error E_PUB_FAILED PUB failed .*ENOSPC/);
    assert.deepStrictEqual([client.hasEnded, broker.topics.get('t')?.channels.size], [true, 0]);
  });

  test('Connection: while a disk queue fails publishes are answered by the pump', async () => {
    const broker = new BrokerTurns({ memQueueSize: 1 });
    broker.fileSystem.onCall = (action, path) => {
      if (action === 'write') throw new SystemError('EIO', 'write', path);
    };
    await clientOf(broker, mpub('t', ['a', 'b']));
    const client = await clientOf(broker, withBody('DPUB t 1', 'c'));

    const [frame] = client.frames();

    assert.match(frame, /^error E_DPUB_FAILED DPUB failed .*EIO/);
  });
});

describe('Connection: end', () => {
  test('Connection: what was sent before a half-close is answered', async () => {
    const broker = new BrokerTurns(ON_DISK);
    broker.isDiskRunning = false;
    const client = await clientOf(broker, pub('t', 'a'), wire('SUB t c\nCLS\n'));
    client.end();
    await broker.turns();
    const before = [client.frames(), client.hasEnded];

    broker.isDiskRunning = true;
    await broker.turns();

    assert.deepStrictEqual(before, [[], false]);
    const expected = ['response OK', 'response OK', 'response CLOSE_WAIT'];
    assert.deepStrictEqual([client.frames(), client.hasEnded], [expected, true]);
    assert.deepStrictEqual([broker.left, broker.closed], [[1], [1]]);
  });

  test('Connection: what the pump refuses comes before the end of a half-closed client', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, wire('SUB t c\n'));
    client.frames();

    client.send(
      `FIN ${UPPER_ID}\nREQ ${UPPER_ID.toLowerCase()} 0\nTOUCH ${UPPER_ID.toLowerCase()}\n`,
    );
    client.end();
    await broker.turns();

    const errors = client.frames().map((frame) => frame.split(' ').slice(0, 3).join(' '));
    assert.deepStrictEqual(errors, [
      'error E_FIN_FAILED FIN',
      'error E_REQ_FAILED REQ',
      'error E_TOUCH_FAILED TOUCH',
    ]);
    assert.deepStrictEqual([client.hasEnded, broker.left], [true, [1]]);
  });

  test('Connection: after a fatal error it drops input until the client ends its side', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, wire('what\n'));
    client.send(pub('t', 'a'));
    await broker.turns();
    const before = [client.hasEnded, client.isDestroyed, client.isPaused];

    client.end();
    await broker.turns();

    assert.deepStrictEqual(before, [true, false, false]);
    assert.deepStrictEqual([client.isDestroyed, broker.closed], [true, [1]]);
  });

  test('Connection: a client that does not end its side is cut off after 2 s', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, wire('what\n'));
    await broker.advance(1999);
    const before = client.isDestroyed;

    await broker.advance(2);

    assert.deepStrictEqual([before, client.isDestroyed, broker.closed], [false, true, [1]]);
  });

  test('Connection: a half-closed client is not cut off while answers are on their way', async () => {
    const broker = new BrokerTurns(ON_DISK);
    broker.isDiskRunning = false;
    const client = await clientOf(broker, pub('t', 'a'));
    client.end();
    await broker.turns();
    await broker.advance(5000);

    broker.isDiskRunning = true;
    await broker.turns();

    assert.deepStrictEqual([client.frames(), client.hasEnded], [['response OK'], true]);
  });

  test('Connection: after a fatal error it reads on even if its output is backed up', async () => {
    const broker = new BrokerTurns(ON_DISK);
    broker.isDiskRunning = false;
    const client = await clientOf(broker, pub('t', 'a'));
    client.isStalled = true;
    broker.connection(1)?.deliver(responseFrame(Buffer.alloc(2 * 1024 * 1024)), 1);
    await broker.turns();
    const wasPaused = client.isPaused;
    broker.fileSystem.onCall = (action, path) => {
      if (action === 'write') throw new SystemError('ENOSPC', 'write', path);
    };
    broker.isDiskRunning = true;
    await broker.turns();
    const isPaused = client.isPaused;

    client.end();
    client.isStalled = false;
    client.take();
    await broker.turns();

    assert.deepStrictEqual([wasPaused, isPaused, client.frames().length], [true, false, 2]);
    assert.deepStrictEqual([client.hasEnded, broker.closed], [true, [1]]);
  });

  test('Connection: frames that come behind the end are not written', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, wire('SUB t c\nwhat\n'));
    const connection = broker.connection(1);

    connection?.deliver(Buffer.from('late'), 1);
    connection?.flush();
    await broker.turns();

    assert.deepStrictEqual([client.errors, client.isDestroyed], [[], false]);
  });

  test('Connection: a client that is gone leaves its channel once', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, wire('SUB t c#ephemeral\n'));

    client.socket.destroy();
    await broker.turns();

    assert.deepStrictEqual([broker.left, broker.closed], [[1], [1]]);
    assert.equal(broker.topics.get('t')?.channels.size, 0);
  });

  test('Connection: a client that is gone while it waits does no harm', async () => {
    const broker = new BrokerTurns(ON_DISK);
    broker.isDiskRunning = false;
    const client = await clientOf(broker, pub('t', 'a'), wire('SUB t c\n'));
    client.socket.destroy();
    await broker.turns();

    broker.isDiskRunning = true;
    await broker.turns();

    assert.deepStrictEqual([client.frames(), client.errors, broker.closed], [[], [], [1]]);
    assert.equal(broker.topics.get('t')?.channels.size, 0);
  });

  test('Connection: a deleted channel closes its clients without a frame', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, wire('SUB t c\n'));
    client.frames();
    const channel = broker.topics.get('t')?.channels.get('c');
    assert(channel !== undefined);

    await Promise.all([broker.topics.deleteChannel(channel), broker.turns()]);

    assert.deepStrictEqual([client.frames(), client.isDestroyed], [[], true]);
  });
});

describe('Connection: back-pressure', () => {
  test('Connection: a client that reads nothing is not read, and goes on when it does', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker);
    client.isStalled = true;
    const run = Buffer.concat(Array.from({ length: 1000 }, () => pub('t', 'x')));
    let sent = 0;
    while (!client.isPaused && sent < 500) {
      client.send(run);
      sent++;
      await broker.turns();
    }
    const wasPaused = client.isPaused;
    client.isStalled = false;
    client.take();
    await broker.turns();

    client.send(run);
    await broker.turns();

    const frames = client.frames();
    assert.deepStrictEqual([wasPaused, client.isPaused], [true, false]);
    // 10 bytes for each OK, and not much more than a MiB of them.
    assert(sent > 100 && sent < 120, `sent ${sent}`);
    assert.deepStrictEqual(
      [frames.length, new Set(frames)],
      [(sent + 1) * 1000, new Set(['response OK'])],
    );
  });

  test('Connection: a consumer that reads nothing gets a bounded number of bytes', async () => {
    const broker = new BrokerTurns({ maxRdyCount: 100 });
    const bodies = Array.from({ length: 40 }, () => 'x'.repeat(100_000));
    await clientOf(broker, mpub('t', bodies));
    const client = new FakeSocket();
    client.isStalled = true;
    broker.connect(client);
    client.send(wire(MAGIC, 'SUB t c\nRDY 100\n'));
    await broker.turns();
    const waitingBytes = client.socket.writableLength;

    client.isStalled = false;
    client.take();
    await broker.turns();

    const frames = client.frames();
    assert(waitingBytes < 1_200_000, `waiting ${waitingBytes}`);
    assert.equal(frames.length, 41);
  });

  test('Connection: a full publish ring stops publishers, loses nothing and keeps order', async () => {
    const broker = new BrokerTurns({ maxMsgSize: 1000 }, { publishBytes: 128 * 1024 });
    broker.isPumpRunning = false;
    const bodies = numbered(2000).map((body) => body.padEnd(100, '.'));
    const producer = await clientOf(broker, ...bodies.map((body) => pub('t', body)));
    const before = producer.frames().length;
    const wasPaused = producer.isPaused;

    broker.isPumpRunning = true;
    await broker.turns();
    const consumer = await clientOf(broker, wire('SUB t c\nRDY 2000\n'));

    assert(before > 0 && before < 2000, `answered before: ${before}`);
    assert.deepStrictEqual([wasPaused, producer.isPaused], [true, false]);
    assert.equal(producer.frames().length, 2000 - before);
    assert.deepStrictEqual(consumer.frames(), [
      'response OK',
      ...bodies.map((body) => `message 1 ${body}`),
    ]);
  });

  test('Connection: an MPUB larger than the publish ring goes in parts', async () => {
    const broker = new BrokerTurns({ maxMsgSize: 1000 }, { publishBytes: 4 * 1024 * 1024 });
    const bodies = numbered(6000).map((body) => body.padEnd(700, '.'));
    const producer = await clientOf(broker, mpub('t', bodies));

    const consumer = await clientOf(broker, wire('SUB t c\nRDY 2500\n'));

    assert.deepStrictEqual(producer.frames(), ['response OK']);
    assert.deepStrictEqual(
      consumer.frames().slice(1, 100),
      bodies.slice(0, 99).map((body) => `message 1 ${body}`),
    );
    assert.equal(broker.connection(1)?.client.publishCounts.get('t')?.count, 6000);
  });

  test('Connection: a full publish ring does not stop those who do not publish', async () => {
    const broker = new BrokerTurns({}, { publishBytes: 128 * 1024 });
    const other = await clientOf(broker, wire('SUB t c\n'));
    broker.isPumpRunning = false;
    const producer = await clientOf(
      broker,
      ...numbered(2000).map((body) => pub('t', body.padEnd(100))),
    );
    other.frames();

    other.send('what\n');
    await broker.turns();

    assert.deepStrictEqual(
      [producer.isPaused, other.frames()],
      [true, ['error E_INVALID invalid command what']],
    );
  });

  test('Connection: an MPUB that is begun is kept whole although its client goes', async () => {
    const broker = new BrokerTurns({ maxMsgSize: 1000 }, { publishBytes: 4 * 1024 * 1024 });
    broker.isPumpRunning = false;
    const bodies = numbered(7000).map((body) => body.padEnd(700, '.'));
    const gone = await clientOf(broker, mpub('t', bodies));
    gone.socket.destroy();
    await broker.turns();
    broker.isPumpRunning = true;
    await broker.turns();

    const consumer = await clientOf(broker, wire('SUB t c\nRDY 2500\n'));
    const got: string[] = [];
    for (let seen = 0; seen < consumer.written.length; ) {
      seen = consumer.written.length;
      const ids = messageIds(consumer.written).slice(got.length);
      got.push(...ids);
      consumer.send(ids.map((id) => `FIN ${id}\n`).join(''));
      await broker.turns();
    }

    assert.equal(got.length, 7000);
  });

  test('Connection: a client that is gone while the ring is full does no harm', async () => {
    const broker = new BrokerTurns({}, { publishBytes: 128 * 1024 });
    broker.isPumpRunning = false;
    const gone = await clientOf(
      broker,
      ...numbered(2000).map((body) => pub('t', body.padEnd(100))),
    );
    const other = await clientOf(broker, pub('t', 'last'));
    gone.socket.destroy();
    await broker.turns();

    broker.isPumpRunning = true;
    await broker.turns();

    assert.deepStrictEqual([other.frames(), broker.closed], [['response OK'], [1]]);
  });

  test('Connection: a full command ring stops consumers, loses nothing and keeps order', async () => {
    const broker = new BrokerTurns();
    const client = await clientOf(broker, wire('SUB t c\n'));
    client.frames();
    broker.isPumpRunning = false;
    const id = UPPER_ID.toLowerCase();
    const chunk = Buffer.from(`${'RDY\n'.repeat(16_000)}FIN ${id}\n`);
    let sent = 0;
    while (!client.isPaused && sent < 20) {
      client.send(chunk);
      sent++;
      await broker.turns();
    }
    const wasPaused = client.isPaused;

    broker.isPumpRunning = true;
    await broker.turns();

    const refused = `error E_FIN_FAILED FIN ${id} failed ID not in flight`;
    assert(sent > 2 && sent < 10, `sent ${sent}`);
    assert.deepStrictEqual([wasPaused, client.isPaused], [true, false]);
    assert.deepStrictEqual(client.frames(), Array<string>(sent).fill(refused));
  });

  test('Connection: a chunk of new topics and FINs that fills the command ring', async () => {
    const broker = new BrokerTurns({}, { commandBytes: 128 * 1024 });
    const client = await clientOf(broker, wire('SUB t c\n'));
    client.frames();
    broker.isPumpRunning = false;
    const id = UPPER_ID.toLowerCase();
    // Each chunk finds room for what chunks usually hold, and the third has to queue in front of the ring.
    const topics = Array.from({ length: 4400 }, (_, index) => pub(index.toString(36), 'x'));

    for (let at = 0; at < topics.length; at += 1100) {
      client.send(wire(`FIN ${id}\n`, ...topics.slice(at, at + 1100), `FIN ${id}\n`));
    }
    await broker.turns();
    broker.isPumpRunning = true;
    await broker.turns();

    const frames = client.frames();
    const refused = `error E_FIN_FAILED FIN ${id} failed ID not in flight`;
    assert.deepStrictEqual(
      [frames.length, frames.filter((frame) => frame === refused).length],
      [topics.length + 8, 8],
    );
    assert.deepStrictEqual(
      [frames[0], frames[1], frames.at(-1)],
      [refused, 'response OK', refused],
    );
  });
});

describe('Connection: new topics and channels', () => {
  const counts = ({ topics }: BrokerTurns): number[] => {
    const all = [...topics.values()];
    return [all.length, all.reduce((sum, { channels }) => sum + channels.size, 0)];
  };

  test('Connection: a turn creates eight topics or channels, for all clients together', async () => {
    const broker = new BrokerTurns();
    const clients = await Promise.all(Array.from({ length: 10 }, () => clientOf(broker)));
    const found: number[][] = [];

    for (const [index, client] of clients.entries()) {
      client.send(wire(pub(`a${index}`, 'x'), mpub(`b${index}`, ['x'])));
    }
    found.push(counts(broker));
    await broker.turns();
    found.push(counts(broker));
    for (const [index, client] of clients.entries()) client.send(`SUB a${index} c\n`);
    found.push(counts(broker));
    await broker.turns();
    found.push(counts(broker));

    assert.deepStrictEqual(found, [
      [8, 0],
      [20, 0],
      [20, 8],
      [20, 10],
    ]);
    const frames = clients.map((client) => client.frames());
    assert.deepStrictEqual(frames, Array(10).fill(Array(3).fill('response OK')));
  });
});

describe('Connection: what is known of a client', () => {
  const cases = [
    ['127.0.0.1', '127.0.0.1:50000', '127.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1:50000', '10.0.0.1'],
    ['::1', '[::1]:50000', '::1'],
    ['', '@', ''],
  ] as const;
  for (const [address, shown, host] of cases) {
    test(`Connection: a client at "${address}" is ${shown}`, () => {
      const broker = new BrokerTurns();

      broker.connect(new FakeSocket(address));

      const client = broker.connection(1)?.client;
      assert.deepStrictEqual(
        [client?.remoteAddress, client?.settings.clientId, client?.settings.hostname],
        [shown, host, host],
      );
      assert.equal(client?.connectTimestamp, 1_700_000_000);
    });
  }
});

describe('Connection: large bodies', () => {
  const HALF = 'x'.repeat(100_000);

  test('Connection: a large body that there is no room for waits until another is whole', async () => {
    const broker = new BrokerTurns({}, {}, 300_000);
    const whole = withBody('PUB t', HALF + HALF);
    const first = await clientOf(broker, whole.subarray(0, 120_000));
    const second = await clientOf(broker, whole.subarray(0, 50_000));
    const heldBack = [...broker.connections()].map(({ isReading }) => !isReading);

    first.send(whole.subarray(120_000));
    await broker.turns();
    second.send(whole.subarray(50_000));
    await broker.turns();

    assert.deepStrictEqual(heldBack, [false, true]);
    assert.deepStrictEqual([first.frames(), second.frames()], [['response OK'], ['response OK']]);
    assert.equal(broker.bodies.totalBytes, 0);
  });

  test('Connection: who holds up the others with half a body is given up', async () => {
    const broker = new BrokerTurns({ heartbeatIntervalMs: 0 }, {}, 300_000);
    const whole = withBody('PUB t', HALF + HALF);
    const stalled = await clientOf(broker, whole.subarray(0, 120_000));
    const other = await clientOf(broker, whole.subarray(0, 100_000));

    await broker.advance(1000);
    other.send(whole.subarray(100_000));
    await broker.turns();

    assert.deepStrictEqual([stalled.hasEnded, other.frames()], [true, ['response OK']]);
    assert.equal(broker.bodies.totalBytes, 0);
  });

  test('Connection: guests, which have not sent IDENTIFY, do not hold up others', async () => {
    const broker = new BrokerTurns({ heartbeatIntervalMs: 0 }, {}, 300_000);
    const whole = withBody('PUB t', HALF + HALF);
    await clientOf(broker, whole.subarray(0, 120_000));
    await clientOf(broker, whole.subarray(0, 120_000));
    const other = await clientOf(broker, withBody('IDENTIFY', '{}'), whole);

    assert.deepStrictEqual(other.frames(), ['response OK', 'response OK']);
  });
});
