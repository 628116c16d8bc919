import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinHostPort, splitHostPort } from '../../../src/daemon/host-port.ts';
import { InvalidValue } from '../../../src/daemon/options/invalid-value.ts';

for (const [text, split] of [
  ['host:4160', { host: 'host', port: 4160 }],
  ['my_host-2.example:1', { host: 'my_host-2.example', port: 1 }],
  ['müller.example:1', { host: 'müller.example', port: 1 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['[::1]:65535', { host: '::1', port: 65535 }],
  ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
  [':8125', { host: '', port: 8125 }],
  ['[]:8125', { host: '', port: 8125 }],
  ['', 'is empty'],
  ['host', 'has no port'],
  ['17150', 'has no port'],
  ['[::1]', 'has no port'],
  ['host:', 'has no port after its colon'],
  ['localhost:415O', 'has a port that is not a number, "415O"'],
  ['host:http', 'has a port that is not a number, "http"'],
  ['host:-1', 'has a port that is not a number, "-1"'],
  ['127.0.0.1:99999', 'has port 99999, and the highest is 65535'],
  ['::1:4160', 'has more than one colon; write IPv6 in brackets, as in [::1]'],
  ['[::1:4160', 'has more than one colon; write IPv6 in brackets, as in [::1]'],
  ['[localhost]:1', 'has no IPv6 address in its brackets, but "localhost"'],
  ['http://host:4160', 'is a URL; it must be a host and a port alone'],
  ['a host:1', 'has an invalid host, "a host"'],
  ['*:1', 'has an invalid host, "*"; for every address leave it out, as in :4150'],
  ['a\u0000:1', 'has an invalid host, "a\\u0000"'],
] as const) {
  test(`splitHostPort: ${JSON.stringify(text)}`, () => {
    const wanted = typeof split === 'string' ? new InvalidValue(split) : split;

    assert.deepStrictEqual(splitHostPort(text), wanted);
  });
}

test('joinHostPort: puts brackets around IPv6', () => {
  assert.equal(joinHostPort('host', 80), 'host:80');
  assert.equal(joinHostPort('::1', 80), '[::1]:80');
});
