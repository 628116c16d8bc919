import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceOf, failureText } from '../../../../scripts/tests/failure-text.ts';

/** What the runner hands on of a test that throws. */
function failureOf(run: () => void): { cause: unknown } {
  try {
    run();
  } catch (cause) {
    return { cause };
  }
  throw new Error('nothing was thrown');
}

test('failureText: two long arrays are shown by the one element that differs', () => {
  const expected = Array.from({ length: 300 }, (_, index) => ({ index, text: `row ${index}` }));
  const actual = expected.with(170, { index: 170, text: 'another' });

  const text = failureText(failureOf(() => assert.deepEqual(actual, expected)));

  const shown = text.split('\n').filter((line) => !/^\s+at /.test(line));
  assert.deepEqual(shown, [
    'Expected values to be strictly deep-equal:',
    '+ got, - expected',
    '  ...',
    '    {',
    '      index: 170,',
    "+     text: 'another'",
    "-     text: 'row 170'",
    '    },',
    '    {',
    '  ...',
  ]);
});

test('failureText: says where, without the frames of the runner', () => {
  const frames = failureText(failureOf(() => assert.equal(1, 2)))
    .split('\n')
    .filter((line) => /^\s+at /.test(line));

  assert.match(frames[0] ?? '', /failure-text\.test\.ts:\d+:\d+/);
  assert.equal(
    frames.some((line) => line.includes('node:internal')),
    false,
  );
});

test('failureText: an error that is no comparison keeps its cause', () => {
  const cause = new Error('outer', { cause: new Error('inner') });

  assert.match(failureText({ cause }), /^Error: outer\n(?:.*\n)*.*\[cause\]: Error: inner\n/);
});

test('failureText: a file that ends without a word is told by how it ended', () => {
  assert.equal(
    failureText({ cause: 'test failed', exitCode: 3, signal: null }),
    'the file ended with status 3',
  );
  assert.equal(
    failureText({ cause: 'test failed', exitCode: null, signal: 'SIGSEGV' }),
    'the file ended with SIGSEGV',
  );
});

test('differenceOf: texts are compared by their lines, fields in any order', () => {
  assert.deepEqual(differenceOf('a\nb\n', 'a\nc\n'), [
    '+ got, - expected',
    '  "a"',
    '+ "b"',
    '- "c"',
    '  ""',
  ]);
  assert.deepEqual(differenceOf({ b: 1, a: 2 }, { a: 2, b: 3 }).slice(1), [
    '  {',
    '    a: 2,',
    '+   b: 1',
    '-   b: 3',
    '  }',
  ]);
});

test('differenceOf: what differs everywhere is cut off', () => {
  const rows = Array.from({ length: 5000 }, (_, index) => index);

  const lines = differenceOf(
    rows,
    rows.map((row) => row + 5000),
  );

  assert.equal(lines.length, 62);
  assert.match(lines.at(-1) ?? '', /^ {2}\.\.\. and \d+ more lines$/);
});
