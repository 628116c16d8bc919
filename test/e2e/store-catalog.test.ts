// The catalog of topics and channels in the real nats-server, where it is installed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { NatsCatalog } from '../../src/workers/streams/nats/nats-catalog.ts';
import { NatsNames } from '../../src/workers/streams/nats/nats-names.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { natsMissing, startNats } from '../support/nats-site.ts';

const OPTIONS = { timeout: 120_000, skip: natsMissing };
const BUCKET = 'KV_test_catalog';
const CHECK_MS = 5000;

test(
  'NatsCatalog: one watch lasts, and is replaced when it has missed something',
  OPTIONS,
  async (t) => {
    const [server] = await startNats(t);
    const nc = await connect({ servers: server.url });
    t.after(() => nc.close());
    const { consumers } = await jetstreamManager(nc);
    const clock = new ManualClock();
    const entries: string[] = [];
    let onEntry = Promise.withResolvers<void>();
    const listener = {
      onEntry: (topic: string, channel: string, state: string) => {
        entries.push(`${topic}:${channel} ${state}`);
        onEntry.resolve();
      },
      onPolicy: () => undefined,
      log: () => undefined,
    };
    const names = new NatsNames('test');
    const catalog = new NatsCatalog(names, listener, clock);
    t.after(() => catalog.stop());
    await catalog.open(nc);
    const watches = async (): Promise<string[]> =>
      (await consumers.list(BUCKET).next()).map(({ name }) => name);
    const first = await watches();
    for (let check = 0; check < 3; check++) {
      clock.advance(CHECK_MS);
      // The check has asked before this, on the same connection.
      await consumers.info(BUCKET, first[0]);
    }
    const later = await watches();
    await catalog.ensure('a', '');
    await onEntry.promise;
    onEntry = Promise.withResolvers();
    await consumers.delete(BUCKET, first[0]);
    await catalog.ensure('b', '');
    clock.advance(CHECK_MS);
    await onEntry.promise;
    const last = await watches();

    assert.deepEqual([first.length, later], [1, first]);
    assert.deepEqual(entries, ['a: running', 'b: running']);
    assert.deepEqual([last.length, last.includes(first[0])], [1, false]);
  },
);
