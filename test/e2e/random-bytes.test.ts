import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { residentMibOf } from '../../scripts/kit/proc.ts';
import { dpub, identify, line, MAGIC, mpub, pub, sized } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { randomChunks } from '../support/chunks.ts';
import { freshSeed, type Random, seededRandom } from '../support/seeded-random.ts';
import { WireClient } from '../support/wire-client.ts';

const CONNECTIONS = 4;
const STREAMS = 400;
const COMMANDS_MAX = 12;
const GARBAGE_BYTES_MAX = 4096;
const CHUNK_BYTES_MAX = 512;
/** How much more memory the broker may hold after nonsense than after as much nonsense before. */
const RESIDENT_GROWTH_MAX = 1.5;

const COMMANDS: readonly ((below: Random) => Buffer)[] = [
  () => identify({ client_id: 'noise', feature_negotiation: true, snappy: true, tls_v1: true }),
  () => identify({ heartbeat_interval: 1000, msg_timeout: 1000, output_buffer_size: 64 }),
  () => Buffer.concat([line('AUTH'), sized('secret')]),
  (below) => pub(`noise-${below(4)}`, Buffer.alloc(1 + below(2000), below(256))),
  (below) => mpub(`noise-${below(4)}`, ['a', 'bc', Buffer.alloc(1 + below(500))]),
  (below) => dpub(`noise-${below(4)}`, below(100), 'deferred'),
  (below) => line('SUB', `noise-${below(4)}`, `channel-${below(3)}#ephemeral`),
  (below) => line('RDY', below(2501)),
  (below) => line('FIN', String(below(1e9)).padStart(16, '0')),
  (below) => line('REQ', String(below(1e9)).padStart(16, '0'), below(1000)),
  (below) => line('TOUCH', String(below(1e9)).padStart(16, '0')),
  () => line('NOP'),
  () => line('CLS'),
];

test('random bytes: the broker answers or closes, and goes on', { timeout: 120_000 }, async (t) => {
  const seed = freshSeed();
  t.diagnostic(`seed ${seed}`);
  const below = seededRandom(seed);
  const broker = await new BrokerSite(t).start();
  // Code is loaded and memory is taken by the first nonsense; what counts is what comes after.
  await sendNonsense(t, broker, below);
  const before = residentMibOf(broker.pid);

  await sendNonsense(t, broker, below);
  const after = residentMibOf(broker.pid);

  assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' });
  assert.equal(await publishAndReceive(t, broker), 'message: still here');
  if (before !== undefined && after !== undefined) {
    t.diagnostic(`resident ${before.toFixed()} MiB, then ${after.toFixed()} MiB`);
    assert.ok(after < before * RESIDENT_GROWTH_MAX, `${after} MiB resident after ${before} MiB`);
  }
  assert.deepEqual(await broker.stop(), { code: 0, signal: null });
  assert.doesNotMatch(broker.log, /FATAL/);
});

/** Several connections at a time, each to its end. */
async function sendNonsense(t: TestContext, broker: BrokerProcess, below: Random): Promise<void> {
  const fraction = (): number => below(2 ** 30) / 2 ** 30;
  let left = STREAMS;
  const streams = Array.from({ length: CONNECTIONS }, async () => {
    while (left > 0) {
      left--;
      const client = await WireClient.connectSilently(t, broker.tcpPort);
      for (const chunk of randomChunks(nonsense(below), fraction, CHUNK_BYTES_MAX)) {
        client.send(chunk);
      }
      client.halfClose();
      // Some of the nonsense asks for compression, so not all of it is frames.
      await client.drain();
    }
  });
  await Promise.all(streams);
}

/** Mostly commands with some bytes changed, left out or put in; sometimes just any bytes. */
function nonsense(below: Random): Buffer {
  if (below(4) === 0) {
    const garbage = randomBytes(1 + below(GARBAGE_BYTES_MAX), below);
    return below(2) === 0 ? garbage : Buffer.concat([MAGIC, garbage]);
  }
  const pieces: Buffer[] = [MAGIC];
  for (let count = 1 + below(COMMANDS_MAX); count > 0; count--) {
    const command = COMMANDS[below(COMMANDS.length)](below);
    pieces.push(below(3) === 0 ? mutated(command, below) : command);
  }
  return Buffer.concat(pieces);
}

function mutated(bytes: Buffer, below: Random): Buffer {
  const at = below(bytes.length);
  switch (below(4)) {
    case 0: {
      const changed = Buffer.from(bytes);
      changed[at] = below(256);
      return changed;
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(4))]);
    case 2: {
      const extra = randomBytes(1 + below(8), below);
      return Buffer.concat([bytes.subarray(0, at), extra, bytes.subarray(at)]);
    }
    default:
      return bytes.subarray(0, at);
  }
}

function randomBytes(count: number, below: Random): Buffer {
  return Buffer.from(Array.from({ length: count }, () => below(256)));
}

async function publishAndReceive(t: TestContext, broker: BrokerProcess): Promise<string | null> {
  const client = await WireClient.connect(t, broker, line('SUB', 'sense', 'channel'));
  client.send(line('RDY', 1));
  await client.nextText();
  const publisher = await WireClient.connect(t, broker, pub('sense', 'still here'));
  assert.equal(await publisher.nextText(), 'OK');
  return await client.nextText();
}
