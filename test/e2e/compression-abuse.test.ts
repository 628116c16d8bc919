import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, type TestContext, test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { line, pub, sized } from '../../src/protocol/commands.ts';
import { SnappyEncoder } from '../../src/protocol/compression/snappy-encoder.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { type CompressionKind, LayeredClient } from '../support/layered-client.ts';
import { freshSeed, type Random, seededRandom } from '../support/seeded-random.ts';

const LIMIT = { timeout: 120_000 };
const MIB = 1024 * 1024;
/** What a bomb grows to. Units: MiB, which is also the largest message. */
const BOMB_MIB = 125;
/** How much more memory the broker may have held at any time than before. */
const GROWTH_MIB_MAX = 100;
/** What Linux takes for the request to forget a process's peak. */
const RESET_PEAK = '5';
const GARBAGE_ROUNDS = 60;
const GARBAGE_BYTES_MAX = 4000;
const KINDS: readonly CompressionKind[] = ['snappy', 'deflate'];
const IDENTIFIER = Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1');
/** An uncompressed chunk that holds NOP. */
const GOOD_CHUNK = snappy(line('NOP')).subarray(IDENTIFIER.length);

/** By what is wrong with it. */
const DAMAGED: Readonly<Record<string, Buffer>> = {
  'a wrong checksum': Buffer.concat([IDENTIFIER, changed(GOOD_CHUNK, 4)]),
  'damaged bytes': Buffer.concat([IDENTIFIER, changed(GOOD_CHUNK, GOOD_CHUNK.length - 1)]),
  'a type that must not be passed over': Buffer.concat([IDENTIFIER, chunk(0x02, 'what is it')]),
  'no identifier': GOOD_CHUNK,
  'a damaged identifier': changed(IDENTIFIER, 6),
  'a chunk too long': Buffer.concat([IDENTIFIER, Buffer.from([0x01, 0xff, 0xff, 0xff])]),
  'a block that announces 1 GiB': Buffer.concat([
    IDENTIFIER,
    chunk(0x00, '\x00\x00\x00\x00\x80\x80\x80\x80\x04bomb'),
  ]),
};

/** What a bomb turns into. With so many messages, most fall out of an ephemeral topic's small memory queue. */
const BOMBS: Readonly<Record<string, { bytes: () => Buffer; answers: readonly string[] }>> = {
  'a line without an end': { bytes: () => Buffer.alloc(BOMB_MIB * MIB), answers: [] },
  'a message too big': {
    bytes: () => pub('bomb', Buffer.alloc(BOMB_MIB * MIB)),
    answers: [`error: E_BAD_MESSAGE PUB message too big ${BOMB_MIB * MIB} > ${MIB}`],
  },
  'an MPUB too big': {
    bytes: () => Buffer.concat([line('MPUB', 'bomb'), sized(Buffer.alloc(BOMB_MIB * MIB))]),
    answers: [`error: E_BAD_BODY MPUB body too big ${BOMB_MIB * MIB} > ${5 * MIB}`],
  },
  'messages of the largest size': {
    bytes: () => {
      const message = pub('bomb#ephemeral', Buffer.alloc(MIB));
      return Buffer.concat([...Array(BOMB_MIB).fill(message), line('UNKNOWN')]);
    },
    answers: [...Array(BOMB_MIB).fill('OK'), 'error: E_INVALID invalid command UNKNOWN'],
  },
};

const broker = await new BrokerSite({ after }).start({ flags: ['--mem-queue-size=10'] });

for (const [what, bytes] of Object.entries(DAMAGED)) {
  test(`snappy: ${what} ends the connection, and no other`, LIMIT, async (t) => {
    const other = await LayeredClient.upgraded(t, broker, { snappy: true });
    const client = await LayeredClient.upgraded(t, broker, { snappy: true });

    client.sendCompressed(bytes);
    const texts = await client.textsToEnd();
    other.send(pub('others', 'go on'));

    assert.deepEqual(texts, []);
    assert.equal(await other.nextText(), 'OK');
  });
}

test('deflate: a block of no known type ends the connection, and no other', LIMIT, async (t) => {
  const other = await LayeredClient.upgraded(t, broker, { deflate: true });
  const client = await LayeredClient.upgraded(t, broker, { deflate: true });

  client.sendCompressed(Buffer.from([0x07, 0xff, 0xff]));
  const texts = await client.textsToEnd();
  other.send(pub('others', 'go on'));

  assert.deepEqual(texts, []);
  assert.equal(await other.nextText(), 'OK');
});

for (const kind of KINDS) {
  for (const [what, { bytes, answers }] of Object.entries(BOMBS)) {
    test(`${kind}: a bomb of ${what} costs bounded memory`, LIMIT, async (t) => {
      const other = await LayeredClient.upgraded(t, broker, { [kind]: true });
      const client = await LayeredClient.upgraded(t, broker, { [kind]: true });
      const before = startPeak();

      client.sendCompressed(compressed(kind, bytes()));
      other.send(pub('others', 'go on'));
      const texts = await client.textsToEnd();
      const growth = peakMib() - before;

      t.diagnostic(`${growth.toFixed()} MiB more than the ${before.toFixed()} MiB before`);
      assert.deepEqual(texts, answers);
      assert.equal(await other.nextText(), 'OK');
      assert.ok(growth < GROWTH_MIB_MAX, `${growth} MiB more`);
    });
  }
}

for (const layers of [{ snappy: true }, { deflate: true }]) {
  const [kind] = Object.keys(layers);
  test(`${kind}: random bytes end the connection, and no other`, LIMIT, async (t) => {
    const seed = freshSeed();
    t.diagnostic(`seed ${seed}`);
    const below = seededRandom(seed);
    const other = await LayeredClient.upgraded(t, broker, layers);

    for (let round = 0; round < GARBAGE_ROUNDS; round++) await sendGarbage(t, layers, below);
    other.send(pub('others', 'go on'));

    assert.equal(await other.nextText(), 'OK');
    assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' });
  });
}

/** Sends random bytes, behind a stream's good beginning or not, and waits for the broker to end the connection. */
async function sendGarbage(
  t: TestContext,
  layers: { snappy?: boolean; deflate?: boolean },
  below: Random,
): Promise<void> {
  const client = await LayeredClient.upgraded(t, broker, layers);
  if (below(2) === 0) client.send(line('NOP'));
  const garbage = Array.from({ length: 1 + below(GARBAGE_BYTES_MAX) }, () => below(256));
  client.sendCompressed(Buffer.from(garbage));
  client.end();
  await client.textsToEnd();
}

function compressed(kind: CompressionKind, bytes: Buffer): Buffer {
  if (kind === 'snappy') return snappy(bytes);
  return deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** A whole stream. */
function snappy(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  new SnappyEncoder().encode([bytes], (encoded) => pieces.push(...encoded));
  return Buffer.concat(pieces);
}

function chunk(type: number, data: string): Buffer {
  return Buffer.concat([Buffer.from([type, data.length, 0x00, 0x00]), Buffer.from(data, 'latin1')]);
}

/** A copy with one bit changed. */
function changed(bytes: Buffer, index: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index] ^= 1;
  return copy;
}

/** Has the system look for the peak anew, and returns what the broker holds now. */
function startPeak(): number {
  if (process.platform === 'linux') writeFileSync(`/proc/${broker.pid}/clear_refs`, RESET_PEAK);
  return peakMib();
}

/** The most memory that the broker has held since; 0 where the system does not tell. */
function peakMib(): number {
  if (process.platform !== 'linux') return 0;
  const status = readFileSync(`/proc/${broker.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
