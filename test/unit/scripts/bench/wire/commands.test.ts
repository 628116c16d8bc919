import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandRun, publishing } from '../../../../../scripts/bench/wire/commands.ts';
import { identify } from '../../../../../src/protocol/commands.ts';

test('publishing: one message is a PUB', () => {
  const command = publishing({ topic: 'test', batch: 1, size: 3, deferMs: 0 });

  assert.equal(command.toString('latin1'), 'PUB test\n\0\0\0\u0003\0\0\0');
});

test('publishing: several messages are an MPUB', () => {
  const command = publishing({ topic: 'test', batch: 2, size: 1, deferMs: 0 });

  const body = '\0\0\0\u0002\0\0\0\u0001\0\0\0\0\u0001\0';
  assert.equal(command.toString('latin1'), `MPUB test\n\0\0\0\u000e${body}`);
});

test('publishing: a message that is deferred is a DPUB', () => {
  const command = publishing({ topic: 'test', batch: 1, size: 1, deferMs: 1500 });

  assert.equal(command.toString('latin1'), 'DPUB test 1500\n\0\0\0\u0001\0');
});

test('identifying: the fields stand behind their size', () => {
  const command = identify({ a: 1 });

  assert.equal(command.toString('latin1'), 'IDENTIFY\n\0\0\0\u0007{"a":1}');
});

test('CommandRun: takes the commands in turn', () => {
  const run = new CommandRun([Buffer.from('NOP\n'), Buffer.from('CLS\n')], 3);

  assert.deepStrictEqual(
    [run.max, String(run.of(1)), String(run.of(3))],
    [3, 'NOP\n', 'NOP\nCLS\nNOP\n'],
  );
});

test('CommandRun: a write is of a bounded size, and of one command at least', () => {
  const small = new CommandRun([Buffer.alloc(1 << 18)], 100);
  const large = new CommandRun([Buffer.alloc(1 << 21)], 100);

  assert.deepStrictEqual([small.max, large.max], [4, 1]);
});
