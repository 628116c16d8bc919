import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCreate, runPause } from '../../../../src/companions/operator/topic-commands.ts';
import { runWords, uniformBroker } from '../../../support/operator.ts';

test('ringmq create: says how to create the topic that a channel needs', async (t) => {
  const { address } = await uniformBroker(t, 404, '{"message":"TOPIC_NOT_FOUND"}');
  const env = { RINGMQ_HTTP: address };

  const create = await runWords(runCreate, ['orders:billing'], { env });
  const pause = await runWords(runPause, ['orders:billing'], { env });

  assert.deepEqual(
    [create.code, create.stderr],
    [1, 'topic not found; "ringmq create orders" creates it\n'],
  );
  assert.deepEqual([pause.code, pause.stderr], [1, 'topic not found\n']);
});
