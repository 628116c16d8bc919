import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runConfig } from '../../../../src/companions/operator/steer-commands.ts';
import { runWords, uniformBroker } from '../../../support/operator.ts';

const INVALID_OPTION = '{"message":"INVALID_OPTION"}';
const INVALID_VALUE = '{"message":"INVALID_VALUE"}';

test('ringmq config: shows a log level by its name, and as JSON by the number of the broker', async (t) => {
  const { address } = await uniformBroker(t, 200, '2');
  const env = { RINGMQ_HTTP: address };

  const text = await runWords(runConfig, ['get', 'log_level'], { env });
  const json = await runWords(runConfig, ['get', 'log_level', '--json'], { env });

  assert.equal(text.stdout, 'info\n');
  assert.deepEqual(JSON.parse(json.stdout), { log_level: 2 });
});

for (const [words, answer, wrong] of [
  [
    ['get', 'loglevel'],
    INVALID_OPTION,
    'there is no option "loglevel"; "ringmq --print-config" shows all keys',
  ],
  [['set', 'log_level', 'noisy'], INVALID_VALUE, 'log_level is debug, info, warn, error, fatal'],
  [
    ['set', 'nsqlookupd_tcp_addresses', 'a:1'],
    INVALID_VALUE,
    `nsqlookupd_tcp_addresses is a JSON list, such as '["10.0.0.1:4160"]'`,
  ],
  [
    ['set', 'max_depth', '1'],
    INVALID_OPTION,
    '"max_depth" cannot be set while the broker runs; log_level and nsqlookupd_tcp_addresses can',
  ],
  [['get', 'x'], '{"message":"TOO_MUCH"}', 'too much'],
] as const) {
  test(`ringmq config: ${wrong}`, async (t) => {
    const { address } = await uniformBroker(t, 400, answer);

    const { code, stderr } = await runWords(runConfig, words, { env: { RINGMQ_HTTP: address } });

    assert.deepEqual([code, stderr], [1, `${wrong}\n`]);
  });
}
