import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionOwner } from '../../../src/client/connection-owner.ts';
import { Consumer } from '../../../src/client/consumer.ts';
import type { ConsumerConnection } from '../../../src/client/consumer-connection.ts';
import type { Grant } from '../../../src/client/negotiation.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const GRANT: Grant = {
  maxRdy: 2500,
  msgTimeoutMs: 60_000,
  maxMsgTimeoutMs: 900_000,
  hasTls: false,
  compression: null,
  deflateLevel: 6,
  needsAuth: false,
  version: '',
};
const ID = '0123456789abcdef';

/** A broker without a socket, which keeps what it is told. */
class RecordedConnection implements ConsumerConnection {
  readonly lines: string[] = [];
  readonly heardMs = 0;
  readonly isReady = true;
  readonly commands = {
    setReady: (count: number) => void this.lines.push(`RDY ${count}`),
    finish: (source: Buffer, at: number) => void this.lines.push(`FIN ${idAt(source, at)}`),
    requeue: (source: Buffer, at: number, delayMs: number) =>
      void this.lines.push(`REQ ${idAt(source, at)} ${delayMs}`),
    touch: (source: Buffer, at: number) => void this.lines.push(`TOUCH ${idAt(source, at)}`),
  };
  readonly #owner: ConnectionOwner;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
  }

  async open(): Promise<Grant> {
    return GRANT;
  }

  async ask(...words: readonly string[]): Promise<string> {
    this.lines.push(words.join(' '));
    return words[0] === 'CLS' ? 'CLOSE_WAIT' : 'OK';
  }

  end(): void {
    if (this.lines.at(-1) === 'end') return;
    this.lines.push('end');
    this.#owner.onClose(null);
  }

  destroy(): void {
    this.end();
  }

  deliver(): void {
    const message = Buffer.concat([Buffer.alloc(10), Buffer.from(`${ID}hello`)]);
    this.#owner.onMessage(message, 0, message.length);
    this.#owner.onMessages();
  }
}

function idAt(source: Buffer, at: number): string {
  return source.toString('latin1', at, at + ID.length);
}

test('Consumer: it takes messages over any connection that it is given', async () => {
  const connections: RecordedConnection[] = [];
  const consumer = new Consumer(
    { topic: 't', channel: 'c', nsqd: ['here:1'], maxInFlight: 3 },
    {
      clock: new ManualClock(),
      random: () => 0,
      connect: () => assert.fail('it needs no stream'),
      connectConsumer: (_address, _wishes, owner) => {
        const connection = new RecordedConnection(owner);
        connections.push(connection);
        return connection;
      },
    },
  );
  const messages = consumer[Symbol.asyncIterator]();
  const next = messages.next();
  const [address] = await new Promise<[string]>((resolve) => {
    consumer.once('connect', (text) => resolve([text]));
  });
  const [connection] = connections;

  connection.deliver();
  const { value: message } = await next;
  await message?.touch();
  await message?.requeue({ delayMs: 20, backoff: false });
  connection.deliver();
  await (await messages.next()).value?.finish();
  await consumer.close();

  assert.equal(address, 'here:1');
  assert.equal(message?.text(), 'hello');
  assert.deepEqual(connection.lines, [
    'SUB t c',
    'RDY 3',
    `TOUCH ${ID}`,
    `REQ ${ID} 20`,
    `FIN ${ID}`,
    'CLS',
    'end',
  ]);
});
