import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import {
  cpuUsOf,
  listenerOf,
  parseCpuUs,
  parseListeners,
  parseMib,
  parseThread,
  threadsOf,
} from '../../../../scripts/kit/proc.ts';

const NO_PROC = process.platform === 'linux' ? false : 'there is no /proc';

test('proc: CPU time stands behind a name with blanks and parentheses', () => {
  const stat = '42 (a ) b (c) R 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 100 1 1';

  assert.equal(parseCpuUs(stat), 2_000_000);
});

test('proc: a thread has its id, its name, its start and its CPU time', () => {
  const stat = '43 (a (b) R 1) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 777 1 1';

  const expected = { id: 43, name: 'a (b) R 1', startTicks: 777, cpuUs: 2_000_000 };
  assert.deepStrictEqual(parseThread(stat), expected);
});

test('proc: the main thread of a process has its id', { skip: NO_PROC }, () => {
  const threads = threadsOf(process.pid) ?? [];

  assert.equal(threads.filter(({ id }) => id === process.pid).length, 1);
});

test('proc: sizes are in MiB, and undefined where there is none', () => {
  const status = 'Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t 1024 kB\n';

  const found = ['VmHWM', 'VmRSS', 'VmSwap'].map((field) => parseMib(status, field));
  assert.deepStrictEqual(found, [200, 1, undefined]);
});

test('proc: of the sockets on a port, those that listen', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1036 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1',
    '   1: 0100007F:1036 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 222 1',
    '   2: 0100007F:1037 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1',
    '',
  ].join('\n');

  assert.deepStrictEqual(parseListeners(table, 4150), ['111']);
});

test('proc: this process is found by its port', { skip: NO_PROC }, async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');

  assert.equal(listenerOf({ host: '127.0.0.1', port: address.port }), process.pid);
});

test('proc: nothing is known of a process that is not there, or not here', () => {
  assert.equal(cpuUsOf(2 ** 30), undefined);
  assert.equal(threadsOf(2 ** 30), undefined);
  assert.equal(listenerOf({ host: '192.0.2.1', port: 4150 }), undefined);
});
