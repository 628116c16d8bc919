import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidValue } from '../../../src/daemon/options/invalid-value.ts';
import { completeOptions, type Options } from '../../../src/main/options/options.ts';
import { type Configuration, Reload } from '../../../src/main/reload.ts';
import { strictGuard } from '../../support/strict-guard.ts';

const MACHINE = { hostname: 'host', parallelism: 2 };

function optionsOf(given: Record<string, unknown> = {}): Options {
  const options = completeOptions(new Map(Object.entries(given)), MACHINE);
  if (options instanceof InvalidValue) throw new Error(options.why);
  return options;
}

/** A broker whose configuration the test changes, and what it has done. */
function setup(files: Record<string, () => string | undefined> = {}) {
  const done: string[] = [];
  const note = (text: string) => void done.push(text);
  const configured = optionsOf();
  const inForce: { -readonly [Name in keyof Options]: Options[Name] } = {
    ...configured,
    dataPath: '/resolved',
  };
  const state: { next: Configuration | InvalidValue; contradiction: string | undefined } = {
    next: { options: optionsOf(), policies: [] },
    contradiction: undefined,
  };
  const reload = new Reload({
    source: () => state.next,
    configured,
    inForce,
    files: Object.entries(files).map(([what, read]) => ({
      what,
      subject: '',
      read: async () => read(),
    })),
    logger: {
      info: note,
      warn: note,
      error: note,
      setLevel: (level) => note(`level ${level}`),
    },
    guard: strictGuard(),
    lookupd: { setAddresses: (addresses) => note(`lookupds ${addresses.join()}`) },
    applyPolicies: (policies) => {
      note(`policies ${policies.length}`);
      return state.contradiction;
    },
  });
  return { reload, inForce, state, done };
}

test('Reload: takes what has changed and can, and says what needs a restart', async () => {
  const { reload, inForce, state, done } = setup();
  const given = { logLevel: 'debug', maxRdyCount: 7, maxMsgSize: 99, lookupdTcpAddress: ['a:1'] };
  state.next = { options: optionsOf(given), policies: [] };

  const first = await reload.run();
  const second = await reload.run();

  assert.deepEqual(first, {
    taken: ['log_level', 'nsqlookupd_tcp_addresses', 'max_rdy_count', 'policies'],
    failed: [],
    restart: ['max_msg_size'],
  });
  assert.deepEqual(second, { taken: ['policies'], failed: [], restart: ['max_msg_size'] });
  assert.deepEqual(
    [inForce.maxRdyCount, inForce.maxMsgSize, inForce.dataPath],
    [7, 1_048_576, '/resolved'],
  );
  assert.deepEqual(
    done.filter((line) => /^(level|lookupds)/.test(line)),
    ['level debug', 'lookupds a:1'],
  );
});

test('Reload: what was set at run time stays, unless the configuration changes it', async () => {
  const { reload, inForce, state, done } = setup();
  inForce.maxRdyCount = 5;

  await reload.run();
  const kept = inForce.maxRdyCount;
  state.next = { options: optionsOf({ maxRdyCount: 9 }), policies: [] };
  await reload.run();
  state.next = { options: optionsOf(), policies: [] };
  const back = await reload.run();

  assert.deepEqual([kept, inForce.maxRdyCount], [5, 2500]);
  assert.deepEqual(back.taken, ['max_rdy_count', 'policies']);
  assert.equal(
    done.some((line) => line.startsWith('level')),
    false,
  );
});

test('Reload: each part that is bad stays as it was, and does not keep the others', async () => {
  const { reload, state, done } = setup({
    certificate: () => 'it is empty',
    'access file': () => undefined,
  });
  state.contradiction = 'a and b send dead letters to each other';

  const report = await reload.run();
  state.next = new InvalidValue('line 7: nonsense');
  const unreadable = await reload.run();

  assert.deepEqual(report, {
    taken: ['access file'],
    failed: [
      { what: 'certificate', why: 'it is empty' },
      { what: 'policies', why: 'a and b send dead letters to each other' },
    ],
    restart: [],
  });
  assert.deepEqual(unreadable.failed[1], { what: 'configuration', why: 'line 7: nonsense' });
  assert.ok(done.includes('access file reloaded'));
  assert.ok(done.includes('the old certificate stays in use - it is empty'));
  assert.ok(done.includes('the old configuration stays in force - line 7: nonsense'));
});

test('Reload: without a configuration to read only files are', async () => {
  const { done } = setup();
  const configured = optionsOf();
  const reload = new Reload({
    source: null,
    configured,
    inForce: configured,
    files: [],
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
      setLevel: () => undefined,
    },
    guard: strictGuard(),
    lookupd: { setAddresses: () => undefined },
    applyPolicies: () => 'not asked',
  });

  assert.deepEqual(await reload.run(), { taken: [], failed: [], restart: [] });
  assert.deepEqual(done, []);
});
