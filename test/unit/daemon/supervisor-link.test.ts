import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { SupervisorLink } from '../../../src/daemon/supervisor-link.ts';

/** A process with a channel to its parent. */
class ChildProcess extends EventEmitter {
  readonly env: Record<string, string>;
  readonly sent: unknown[] = [];

  constructor(env: Record<string, string>) {
    super();
    this.env = env;
  }

  send(message: object): void {
    this.sent.push(message);
  }
}

test('SupervisorLink: tells the ports, and learns that the supervisor has gone', async () => {
  const child = new ChildProcess({ RINGMQ_SUPERVISED: '1' });
  const link = new SupervisorLink(child);

  link.serving(Object.assign({ other: 3 }, { tcpPort: 1, httpPort: 2 }));
  child.emit('disconnect');

  await link.lost;
  assert.deepEqual(child.sent, [{ tcpPort: 1, httpPort: 2 }]);
});

test('SupervisorLink: a channel to a parent that does not supervise is left alone', () => {
  const child = new ChildProcess({});
  const link = new SupervisorLink(child);

  link.serving({ tcpPort: 1, httpPort: 2 });

  assert.deepEqual(child.sent, []);
  assert.equal(child.listenerCount('disconnect'), 0);
});
