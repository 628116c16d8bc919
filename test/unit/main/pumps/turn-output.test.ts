import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Guard } from '../../../../src/daemon/guard.ts';
import { type PendingClient, TurnOutput } from '../../../../src/main/pumps/turn.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

test('TurnOutput: each client with output requests a turn and is flushed once, in order', () => {
  const { output, calls, errors } = recorded();

  output.add(client('a', calls));
  output.add(client('b', calls));
  const before = calls.splice(0);
  output.flush();
  output.flush();

  assert.deepEqual(before, ['turn', 'turn']);
  assert.deepEqual([calls, errors], [['flush a', 'flush b'], []]);
});

test('TurnOutput: output that a flush brings waits for the next turn', () => {
  const { output, calls } = recorded();
  const again = client('b', calls);
  output.add({
    flush: () => {
      calls.push('flush a');
      output.add(again);
    },
    destroy: () => undefined,
  });

  output.flush();
  const first = calls.splice(0);
  output.flush();

  assert.deepEqual([first, calls], [['turn', 'flush a', 'turn'], ['flush b']]);
});

test('TurnOutput: a client whose output fails is disconnected, and the others are flushed', () => {
  const { output, calls, errors } = recorded();
  output.add({
    ...client('a', calls),
    flush: () => {
      throw new Error('unwritable');
    },
  });
  output.add(client('b', calls));
  calls.length = 0;

  output.flush();

  assert.deepEqual(calls, ['destroy a', 'flush b']);
  assert.equal(errors.length, 1);
});

function recorded() {
  const calls: string[] = [];
  const errors: string[] = [];
  const guard = new Guard(new ManualClock(), { error: (text) => errors.push(text) });
  return { output: new TurnOutput(guard, () => calls.push('turn')), calls, errors };
}

function client(name: string, calls: string[]): PendingClient {
  return {
    flush: () => calls.push(`flush ${name}`),
    destroy: () => calls.push(`destroy ${name}`),
    toString: () => name,
  };
}
