// TOUCH with topics that the real nats-server keeps, where it is installed: neither the broker nor the store gives the
// message to somebody else.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { identify, line, mpub } from '../../src/protocol/commands.ts';
import { ask, until } from '../support/broker-stats.ts';
import {
  channelOf,
  consumer,
  createChannel,
  isEmpty,
  publish,
  STORED_TEST,
  startPair,
} from '../support/stored-topics.ts';
import { WireClient } from '../support/wire-client.ts';

const TIMEOUT_MS = 2000;
const TOUCH_MS = 200;

const { server, one, other } = await startPair({ after }, 'touch');

test(
  'store=nats: a message that is touched stays with its consumer, and the store hears of it',
  STORED_TEST,
  async (t) => {
    await ask(one, '/topic/create?topic=r.touch', null);
    await createChannel(one, 'r.touch', 'c');
    const nc = await connect({ servers: server.url });
    t.after(() => nc.close());
    const reported = Promise.withResolvers<void>();
    nc.subscribe('$JS.ACK.>', {
      callback: (_, message) => {
        if (message.string() === '+WPI') reported.resolve();
      },
    });
    await nc.flush();
    const holder = await WireClient.connect(
      t,
      one,
      identify({ msg_timeout: TIMEOUT_MS }),
      line('SUB', 'r.touch', 'c'),
    );
    assert.deepEqual(await holder.texts(2), ['OK', 'OK']);
    holder.send(line('RDY', 2));
    assert.equal(await publish(t, other, mpub('r.touch', ['touched', 'forgotten'])), 'OK');
    const held = [await holder.nextMessage(), await holder.nextMessage()];
    const touched = held.find(({ body }) => body.toString() === 'touched') ?? assert.fail();
    const touches = setInterval(() => holder.send(line('TOUCH', touched.id)), TOUCH_MS);
    t.after(() => clearInterval(touches));
    holder.send(line('RDY', 0));
    const second = await consumer(t, other, 'r.touch', 'c', 2);

    // The other message times out: that shows that the first one would have done so, too.
    const again = await second.nextMessage();
    second.send(line('FIN', again.id));
    await reported.promise;
    const during = await channelOf(one, 'r.touch');
    clearInterval(touches);
    holder.send(line('FIN', touched.id));
    await until(
      () => channelOf(other, 'r.touch'),
      (channel) => channel !== undefined && isEmpty(channel),
    );
    assert.equal(await publish(t, other, mpub('r.touch', ['next'])), 'OK');
    const next = await second.nextMessage();
    second.send(line('FIN', next.id));

    assert.deepEqual(
      [...held, again, next].map(({ body, attempts }) => `${body} ${attempts}`),
      ['touched 1', 'forgotten 1', 'forgotten 2', 'next 1'],
    );
    assert.deepEqual([during?.in_flight_count, during?.timeout_count], [1, 1]);
  },
);
