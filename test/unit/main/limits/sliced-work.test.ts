import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlicedWork } from '../../../../src/main/limits/sliced-work.ts';

function harness() {
  const passes: (() => void)[] = [];
  const said: string[] = [];
  const sliced = new SlicedWork((callback) => passes.push(callback));
  function* work(name: string, slices: number, error?: Error): Generator<void, string> {
    for (let slice = 1; slice <= slices; slice++) {
      said.push(`${name}${slice}`);
      if (slice < slices) yield;
    }
    if (error !== undefined) throw error;
    return name;
  }
  const add = (name: string, slices: number, error?: Error): void =>
    sliced.add(work(name, slices, error), {
      onPostponed: () => said.push(`${name} later`),
      onDone: (result) => said.push(`${result} done`),
      onFailed: (cause) => said.push(`${name} ${String(cause)}`),
    });
  /** What is said in the next pass of the event loop. */
  const pass = (): string[] => {
    said.length = 0;
    for (const callback of passes.splice(0)) callback();
    return [...said];
  };
  return { add, pass, said, passes };
}

test('sliced work: one slice runs at once, also while others wait', () => {
  const { add, said } = harness();

  add('a', 1);
  add('b', 2);
  add('c', 1);

  assert.deepEqual(said, ['a1', 'a done', 'b1', 'b later', 'c1', 'c done']);
});

test('sliced work: each pass runs one slice, and one work ends before the next goes on', () => {
  const { add, pass, passes } = harness();

  add('a', 3);
  add('b', 2);

  assert.deepEqual(
    [pass(), pass(), pass(), passes.length],
    [['a2'], ['a3', 'a done'], ['b2', 'b done'], 0],
  );
});

test('sliced work: one that throws is told, and the next goes on', () => {
  const { add, pass } = harness();

  add('a', 2, new Error('no'));
  add('b', 2);

  assert.deepEqual(
    [pass(), pass()],
    [
      ['a2', 'a Error: no'],
      ['b2', 'b done'],
    ],
  );
});
