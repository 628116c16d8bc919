// Flow control of replicated topics over a fake store: a store that does not answer fills nothing without bound.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { line, pub } from '../../../../src/protocol/commands.ts';
import { framesOf, ReplicatedSite } from '../../../support/replicated-site.ts';

const BODY_BYTES = 64 * 1024;
const COUNT = 256;

test('replicated topic: a store that does not answer holds publishers up, and fills nothing without bound', async () => {
  const site = new ReplicatedSite();
  const [broker] = site.brokers;
  const local = await site.client(broker, line('SUB', 'local', 'c'), line('RDY', 1));
  site.server.holdsAnswers = true;
  const bodies = Array.from({ length: COUNT }, (_, number) =>
    String(number).padStart(BODY_BYTES, '0'),
  );
  const publishers = await Promise.all(bodies.map((body) => site.client(broker, pub('r', body))));
  for (let turn = 0; turn < COUNT; turn++) await site.turns();
  const sent = site.server.unanswered.length;
  await site.client(broker, pub('local', 'x'));
  const framesOfLocal = framesOf(local);
  const answeredBefore = publishers.filter((client) => framesOf(client).length > 0).length;
  site.server.holdsAnswers = false;
  while (site.server.unanswered.length > 0) {
    for (const answer of site.server.unanswered.splice(0)) answer(null);
    await site.turns();
  }
  const answers = publishers.flatMap(framesOf);

  // A topic has 1 MiB on its way, and what was in the ring when it was held.
  assert.ok(sent * BODY_BYTES < 4 * 1024 * 1024, `${sent} messages are with the store`);
  assert.deepEqual([answeredBefore, framesOfLocal], [0, ['response OK', 'message 1 x']]);
  assert.deepEqual(new Set(answers), new Set(['response OK']));
  assert.equal(answers.length, COUNT);
});
