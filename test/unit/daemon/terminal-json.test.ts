import assert from 'node:assert/strict';
import { test } from 'node:test';
import { terminalJson } from '../../../src/daemon/terminal-json.ts';

test('terminalJson: escapes what a terminal would obey, and parses to the same value', () => {
  const value = { a: 'x\u001b[2J\u007f\u009b2J\u2028\u202e\u2066 ü"' };

  const json = terminalJson(value);

  assert.equal(json, '{"a":"x\\u001b[2J\\u007f\\u009b2J\\u2028\\u202e\\u2066 ü\\""}');
  assert.deepEqual(JSON.parse(json), value);
});

test('terminalJson: may be indented', () => {
  assert.equal(terminalJson({ a: 1 }, 2), '{\n  "a": 1\n}');
});
