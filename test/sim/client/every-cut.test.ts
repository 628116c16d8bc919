/** A connection that breaks after each number of bytes, whoever's it is: nothing is lost. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Consumer } from '../../../src/client/consumer.ts';
import type { Environment } from '../../../src/client/environment.ts';
import { Producer } from '../../../src/client/producer.ts';
import { ClientWatch } from './client-watch.ts';
import { SimLink } from './sim-link.ts';
import { SimNsqd } from './sim-nsqd.ts';
import { SimWorld } from './sim-world.ts';

const ROUNDS_MAX = 2000;
const ALL_BYTES = 1_000_000;
const BODIES = ['a', 'b', 'c', 'd'];

/** What one life comes to. */
type Life = { readonly handled: readonly string[]; readonly firstLinkBytes: number };

/** Publishes and handles some messages; the first connection of one client breaks after so many bytes. */
async function live(broken: 'producer' | 'consumer', cutAfterBytes: number): Promise<Life> {
  const world = new SimWorld(1);
  const broker = new SimNsqd('broker:4150', world);
  const links: SimLink[] = [];
  const environmentOf = (role: 'producer' | 'consumer'): Environment => {
    const watch = new ClientWatch(role, world);
    let count = 0;
    const connect = (): SimLink['client'] => {
      const link = new SimLink(`${role}-${++count}`, world, watch);
      if (role === broken && count === 1) link.cutAfter(cutAfterBytes);
      links.push(link);
      process.nextTick(() => broker.accept(link));
      return link.client;
    };
    return { clock: world.clock, random: world.clientRandom, connect };
  };
  const settings = { nsqd: ['broker:4150'], heartbeatIntervalMs: 1000 };
  const producer = new Producer(settings, environmentOf('producer'));
  const consumer = new Consumer(
    { ...settings, topic: 't', channel: 'c' },
    environmentOf('consumer'),
  );
  producer.on('error', () => undefined);
  consumer.on('error', () => undefined);
  const handled = new Set<string>();
  const run = consumer.run((message) => handled.add(message.text()));
  let isClosed = false;
  const published = Promise.all(BODIES.map((body) => producer.publish('t', body)));
  for (let round = 0; !isClosed; round++) {
    if (round === ROUNDS_MAX) throw new Error(`no end after a cut after ${cutAfterBytes} bytes`);
    const busy = links.filter((link) => !link.isIdle);
    for (const link of busy) link.carry(ALL_BYTES);
    if (busy.length === 0) world.clock.advance(25);
    await setImmediate();
    world.check();
    if (handled.size < BODIES.length || broker.messageCount > 0) continue;
    void Promise.all([published, producer.close(), consumer.close(), run]).then(() => {
      isClosed = true;
    });
  }
  const first = links.find(({ name }) => name === `${broken}-1`);
  return { handled: [...handled].toSorted(), firstLinkBytes: first?.passedBytes ?? 0 };
}

for (const broken of ['producer', 'consumer'] as const) {
  test(`client: the ${broken}'s connection breaks after each number of bytes`, async () => {
    const { firstLinkBytes } = await live(broken, ALL_BYTES);

    for (let bytes = 0; bytes < firstLinkBytes; bytes++) {
      const { handled } = await live(broken, bytes);
      assert.deepEqual(handled, BODIES, `after ${bytes} bytes`);
    }
  });
}
