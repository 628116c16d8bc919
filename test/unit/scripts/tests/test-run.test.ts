import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { TestRun } from '../../../../scripts/tests/test-run.ts';

const FILE = '/project/test/a.test.ts';

/** The events of a file, made of what differs from one to the next. */
function event(type: string, data: object): TestEvent {
  const common = {
    file: FILE,
    entryFile: FILE,
    line: 7,
    details: { duration_ms: 2, type: 'test' },
  };
  return { type, data: { ...common, ...data } } as unknown as TestEvent;
}

function passed(name: string, more: object = {}): TestEvent {
  return event('test:pass', { name, ...more });
}

function failed(name: string, cause: unknown, more: object = {}): TestEvent {
  const error = Object.assign(new Error('failed', { cause }), more);
  return event('test:fail', { name, details: { duration_ms: 2, type: 'test', error } });
}

const END = event('test:summary', { duration_ms: 1234 });

/** What is shown of files, and the summary, of a run with these events. */
function show(...events: readonly TestEvent[]): {
  text: string;
  summary: string[];
  isGood: boolean;
} {
  const run = new TestRun('/project');
  const texts = events.map((one) => run.take(one)?.text).filter((text) => text !== undefined);
  return {
    text: texts.join('\n'),
    summary: run.summary(65_000).split('\n'),
    isGood: !run.hasFailed,
  };
}

test('TestRun: tells a file in a line, and the counts alone at the end', () => {
  const { text, summary, isGood } = show(passed('one'), passed('two'), END);

  assert.equal(text, 'passed 2 tests      1.2 s  test/a.test.ts');
  assert.deepEqual(summary, [
    '',
    '2 tests in 1 file, 1 min 5 s. The slowest files:',
    '    1.2 s  test/a.test.ts',
    '2 passed, 0 failed, 0 skipped',
  ]);
  assert.equal(isGood, true);
});

test('TestRun: a failure is told with its place and what its file printed', () => {
  const printed = event('test:stdout', { message: 'seed 4\n' });
  const { text, summary, isGood } = show(printed, failed('one', 'why'), passed('two'), END);

  assert.deepEqual(text.split('\n'), [
    'FAILED 2 tests      1.2 s  test/a.test.ts',
    '    one (test/a.test.ts:7)',
    '        why',
    '    seed 4',
    '',
  ]);
  assert.deepEqual(summary.slice(-2), [
    'failed: one (test/a.test.ts:7)',
    '1 passed, 1 failed, 0 skipped',
  ]);
  assert.equal(isGood, false);
});

test('TestRun: what is skipped is told by its reason', () => {
  const names = ['one', 'two', 'three', 'four'];
  const skipped = names.map((name) => passed(name, { skip: 'no flock' }));
  const { summary, isGood } = show(
    ...skipped,
    passed('five', { skip: true }),
    passed('six', { todo: 'later' }),
    END,
  );

  assert.deepEqual(summary.slice(-4), [
    'skipped, no flock: one; two; three; and 1 more',
    'skipped, no reason given: five',
    'skipped, not written yet: six',
    '0 passed, 0 failed, 6 skipped',
  ]);
  assert.equal(isGood, true);
});

test('TestRun: a test that fails by its subtests counts once', () => {
  const { summary } = show(
    failed('inner', 'why'),
    failed('outer', '1 subtest failed', { failureType: 'subtestsFailed' }),
    END,
  );

  assert.equal(summary.at(-1), '0 passed, 1 failed, 0 skipped');
});

test('TestRun: suites are no tests', () => {
  const suite = passed('suite', { details: { duration_ms: 2, type: 'suite' } });

  assert.equal(show(passed('one'), suite, END).summary.at(-1), '1 passed, 0 failed, 0 skipped');
});

/** The result of a process, in the name of its file. */
function ofFile(t: TestContext, type: 'test:pass' | 'test:fail', error?: object): string[] {
  const details = { duration_ms: 2, type: 'test', error };
  const { text, isGood } = show(event(type, { name: FILE, entryFile: undefined, details }));
  t.assert.equal(isGood, false);
  return text.split('\n').slice(1, 2);
}

test('TestRun: a file that crashes, or runs nothing, fails', (t) => {
  const crash = { cause: 'test failed', exitCode: 3, signal: null };

  assert.deepEqual(ofFile(t, 'test:fail', crash), ['    the file ended with status 3']);
  assert.deepEqual(ofFile(t, 'test:pass'), ['    the file ran no test']);
});

test('TestRun: a run without files fails', () => {
  assert.equal(show().isGood, false);
});
