import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { line, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, channelStats, topicStats } from '../support/broker-stats.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const DONE = { status: 200, text: '' };
const OK = { status: 200, text: 'OK' };

const broker = await new BrokerSite({ after }).start();

test('HTTP: what is published is in the statistics', LIMIT, async () => {
  assert.deepEqual(await ask(broker, '/pub?topic=counted', 'one'), OK);
  assert.deepEqual(await ask(broker, '/mpub?topic=counted', 'two\nthree\n'), OK);
  const binary = Buffer.from([0, 0, 0, 2, 0, 0, 0, 1, 10, 0, 0, 0, 2, 0, 255]);
  assert.deepEqual(await ask(broker, '/mpub?topic=counted&binary=true', binary), OK);

  const stats = await topicStats(broker, 'counted');

  assert.deepEqual(
    [stats?.depth, stats?.message_count, stats?.message_bytes, stats?.channels],
    [5, 5, 'onetwothree'.length + 3, []],
  );
});

test('HTTP: what is created over HTTP is consumed over TCP', LIMIT, async (t) => {
  assert.deepEqual(await ask(broker, '/topic/create?topic=made', null), DONE);
  assert.deepEqual(await ask(broker, '/channel/create?topic=made&channel=here', null), DONE);
  assert.deepEqual(await ask(broker, '/pub?topic=made', Buffer.from([0, 10, 255])), OK);

  const client = await WireClient.connect(t, broker, line('SUB', 'made', 'here'), line('RDY', 1));
  assert.equal(await client.nextText(), 'OK');
  const { id, attempts, body } = await client.nextMessage();
  client.send(line('FIN', id), line('CLS'));
  await client.nextText();

  assert.equal(attempts, 1);
  assert.deepEqual(body, Buffer.from([0, 10, 255]));
  const stats = await channelStats(broker, 'made', 'here');
  assert.deepEqual([stats?.depth, stats?.in_flight_count, stats?.client_count], [0, 0, 1]);
});

test('HTTP: a paused channel delivers nothing until it goes on', LIMIT, async (t) => {
  const client = await WireClient.connect(t, broker, line('SUB', 'held', 'here'), line('RDY', 5));
  assert.equal(await client.nextText(), 'OK');
  assert.deepEqual(await ask(broker, '/channel/pause?topic=held&channel=here', null), DONE);
  await ask(broker, '/pub?topic=held', 'wait');
  // Another channel of the topic shows that the message has gone through it.
  const other = await WireClient.connect(t, broker, line('SUB', 'held', 'there'), line('RDY', 1));
  assert.equal(await other.nextText(), 'OK');
  await ask(broker, '/pub?topic=held', 'to both');
  assert.equal(await other.nextText(), 'message: to both');

  const paused = await channelStats(broker, 'held', 'here');
  assert.deepEqual(await ask(broker, '/channel/unpause?topic=held&channel=here', null), DONE);

  assert.deepEqual([paused?.paused, paused?.depth, paused?.in_flight_count], [true, 2, 0]);
  assert.deepEqual(await client.texts(2), ['message: wait', 'message: to both']);
});

test('HTTP: a paused topic keeps its messages until it goes on', LIMIT, async (t) => {
  const client = await WireClient.connect(t, broker, line('SUB', 'still', 'here'), line('RDY', 5));
  assert.equal(await client.nextText(), 'OK');
  assert.deepEqual(await ask(broker, '/topic/pause?topic=still', null), DONE);
  await ask(broker, '/pub?topic=still', 'wait');

  const paused = await topicStats(broker, 'still');
  assert.deepEqual(await ask(broker, '/topic/unpause?topic=still', null), DONE);

  assert.deepEqual([paused?.paused, paused?.depth, paused?.channels[0].depth], [true, 1, 0]);
  assert.equal(await client.nextText(), 'message: wait');
});

test('HTTP: an emptied channel is empty, in flight as well', LIMIT, async (t) => {
  const client = await WireClient.connect(
    t,
    broker,
    line('SUB', 'emptied', 'here'),
    line('RDY', 1),
  );
  assert.equal(await client.nextText(), 'OK');
  await ask(broker, '/mpub?topic=emptied', 'one\ntwo\nthree');
  const { id } = await client.nextMessage();

  assert.deepEqual(await ask(broker, '/channel/empty?topic=emptied&channel=here', null), DONE);
  client.send(line('FIN', id), pub('emptied', 'new'));

  assert.equal(await client.nextText(), `error: E_FIN_FAILED FIN ${id} failed ID not in flight`);
  assert.deepEqual(new Set(await client.texts(2)), new Set(['OK', 'message: new']));
  const stats = await channelStats(broker, 'emptied', 'here');
  assert.deepEqual([stats?.depth, stats?.in_flight_count], [0, 1]);
});

test(
  'HTTP: a deleted channel ends its consumers, a deleted topic all of them',
  LIMIT,
  async (t) => {
    const subscribed = async (channel: string): Promise<WireClient> => {
      const client = await WireClient.connect(t, broker, line('SUB', 'doomed', channel));
      assert.equal(await client.nextText(), 'OK');
      return client;
    };
    const one = await subscribed('one');
    const two = await subscribed('two');

    assert.deepEqual(await ask(broker, '/channel/delete?topic=doomed&channel=one', null), DONE);
    assert.deepEqual(await one.textsToEnd(), []);
    const left = (await topicStats(broker, 'doomed'))?.channels.map(
      (channel) => channel.channel_name,
    );
    assert.deepEqual(await ask(broker, '/topic/delete?topic=doomed', null), DONE);
    assert.deepEqual(await two.textsToEnd(), []);

    assert.deepEqual(left, ['two']);
    assert.equal(await topicStats(broker, 'doomed'), undefined);
    assert.deepEqual(await ask(broker, '/topic/delete?topic=doomed', null), {
      status: 404,
      text: '{"message":"TOPIC_NOT_FOUND"}',
    });
  },
);

test('HTTP: a deleted name starts from nothing', LIMIT, async () => {
  await ask(broker, '/pub?topic=reborn', 'old');
  await ask(broker, '/topic/delete?topic=reborn', null);
  await ask(broker, '/pub?topic=reborn', 'new');

  const stats = await topicStats(broker, 'reborn');

  assert.deepEqual([stats?.depth, stats?.message_count, stats?.message_bytes], [1, 1, 3]);
});

test('a refused body is read to its end before the connection closes', LIMIT, async (t) => {
  const small = await new BrokerSite(t).start({ flags: ['--max-msg-size=1000'] });
  const socket = connect({ port: small.httpPort, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  const ended = once(socket, 'end');

  socket.write('POST /pub?topic=t HTTP/1.1\r\nHost: a\r\nConnection: close\r\n');
  socket.write('Content-Length: 2000000\r\n\r\n');
  socket.write(Buffer.alloc(1_000_000));
  await ask(small, '/ping');
  const early = text;
  socket.write(Buffer.alloc(1_000_000));
  await ended;

  assert.equal(early, '');
  assert.match(text, /^HTTP\/1\.1 413 [\s\S]*MSG_TOO_BIG/);
});

test('a request whose body is refused and then cut off has one answer', LIMIT, async (t) => {
  const socket = connect({ port: broker.httpPort, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  const closed = once(socket, 'end');

  socket.end('POST /pub?topic=t HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n');
  await closed;

  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 413']);
});
