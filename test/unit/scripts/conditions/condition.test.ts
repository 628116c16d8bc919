import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONDITIONS, obstacleTo, together } from '../../../../scripts/conditions/condition.ts';

test('together: folders, owners, environments and wrappers add up, in their order', () => {
  const sum = together([
    { name: 'one', what: 'first', wrapper: ['a', 'b'], env: { A: '1' } },
    { name: 'two', what: 'second', folder: 'ö', owner: 7 },
    { name: 'three', what: 'third', wrapper: ['c'], env: { B: '2' } },
  ]);

  assert.deepEqual(sum, {
    name: 'one+two+three',
    what: 'first, second, third',
    folder: 'ö',
    owner: 7,
    env: { A: '1', B: '2' },
    wrapper: ['a', 'b', 'c'],
  });
});

test('conditions: every condition has a name of its own', () => {
  assert.equal(new Set(CONDITIONS.map(({ name }) => name)).size, CONDITIONS.length);
});

test('obstacleTo: a condition without a wrapper has none, one whose program is missing says so', {
  skip: process.platform === 'win32' ? 'there is no POSIX shell' : false,
}, () => {
  const common = { name: 'one', what: 'first' };

  assert.equal(obstacleTo(common), undefined);
  assert.equal(obstacleTo({ ...common, wrapper: ['sh', '-c', 'exec "$@"', 'sh'] }), undefined);
  // Where a folder of the PATH is closed to the user, the system says so instead.
  const missing = obstacleTo({ ...common, wrapper: ['ringmq-no-such-program'] });
  assert.match(missing ?? '', /ringmq-no-such-program (?:ENOENT|EACCES)/);
  const refusing = ['sh', '-c', 'echo not allowed >&2; exit 1'];
  assert.equal(obstacleTo({ ...common, wrapper: refusing }), 'not allowed');
});
