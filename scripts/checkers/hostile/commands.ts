/**
 * Commands with wrong sizes, commands that never end, and endless commands.
 */

import { line, mpub, pub, sized } from '../../../src/protocol/commands.ts';
import type { Attack, Scenario } from './attack.ts';
import type { HostileConnection } from './hostile-connection.ts';

const MIB = 1024 * 1024;
const ANSWERED_MS_MAX = 5000;
const AT_A_TIME = 20;
const LYING_TOPIC = 'hostile-lies';
const SIZES = [0xffffffff, 0x80000000, 0x7fffffff, 0xfffffffb];
const SIZED: readonly Buffer[] = [
  line('PUB', LYING_TOPIC),
  line('DPUB', LYING_TOPIC, 10),
  line('MPUB', LYING_TOPIC),
  line('IDENTIFY'),
  line('AUTH'),
];
const LINE_BYTES = MIB;
const PIPELINE_COMMANDS = 5000;
const MANY_PIPELINES = 100;
const FLOOD_BATCH = 200;
const FLOOD_MESSAGE_BYTES = 200;
const FLOOD_CONNECTIONS = 20;
const HALF_CONNECTIONS = 300;
const HALF_BYTES = 5 * MIB - 1024;

/** Bodies of MPUBs that must be rejected completely. */
const LIES: Readonly<Record<string, Buffer>> = {
  'no messages': words(0),
  'a negative count': Buffer.concat([words(0xffffffff), sized('x')]),
  'a count of 2^31 - 1': Buffer.concat([words(0x7fffffff), sized('x')]),
  'more messages than there are': Buffer.concat([words(3), sized('x'), sized('y')]),
  'an empty message': Buffer.concat([words(2), sized('x'), words(0)]),
  'a message of negative size': Buffer.concat([words(2), sized('x'), words(0xffffffff)]),
  'a message beyond the body': Buffer.concat([words(2), sized('x'), words(100), Buffer.from('y')]),
  'nothing behind the count': words(1),
};

async function longLines(attack: Attack): Promise<void> {
  const endless = Buffer.alloc(LINE_BYTES, 'L');
  await attack.together(AT_A_TIME, async () => {
    do {
      const client = await attack.client();
      await client.sendWhole(endless);
      if (!(await attack.inTime(client.closed, ANSWERED_MS_MAX))) {
        attack.fault(`a line of ${LINE_BYTES} bytes is still listened to`);
        return;
      }
    } while (attack.isOn);
  });
}

async function hugeSizes(attack: Attack): Promise<void> {
  const commands = SIZED.flatMap((command) =>
    SIZES.map((size) => Buffer.concat([command, words(size), Buffer.alloc(100)])),
  );
  do {
    await Promise.all(
      commands.map((command) => expectError(attack, command, command.toString('latin1', 0, 30))),
    );
  } while (attack.isOn);
  await attack.expectNothingIn(LYING_TOPIC);
}

async function lyingBatches(attack: Attack): Promise<void> {
  const topic = 'hostile-batches';
  do {
    await Promise.all(
      Object.entries(LIES).map(([what, body]) =>
        expectError(attack, Buffer.concat([line('MPUB', topic), sized(body)]), `MPUB, ${what}`),
      ),
    );
  } while (attack.isOn);
  await attack.expectNothingIn(topic);
}

/** The broker answers with an error and closes. */
async function expectError(attack: Attack, command: Buffer, what: string): Promise<void> {
  const client = await attack.client(command);
  client.end();
  if (!(await attack.inTime(client.closed, ANSWERED_MS_MAX))) {
    attack.fault(`${JSON.stringify(what)}: the connection stays open`);
  } else if (!client.received.includes('E_')) {
    attack.fault(`${JSON.stringify(what)}: answered ${JSON.stringify(client.received)}`);
  }
}

async function pipeline(attack: Attack): Promise<void> {
  const topic = 'hostile-pipeline#ephemeral';
  const id = '0123456789abcdef';
  const subscribe = line('SUB', topic, 'channel#ephemeral');
  const kinds = [
    { first: Buffer.alloc(0), command: pub(topic, 'x') },
    { first: Buffer.alloc(0), command: line('NOP') },
    { first: subscribe, command: line('FIN', id) },
    { first: subscribe, command: line('REQ', id, 0) },
    { first: subscribe, command: line('TOUCH', id) },
  ];
  await attack.together(kinds.length, async (index) => {
    const { first, command } = kinds[index];
    const client = await attack.client(first);
    client.stopReading();
    const many = Buffer.concat(Array<Buffer>(PIPELINE_COMMANDS).fill(command));
    await sendOnAndOn(attack, client, many);
  });
}

async function pipelineOnMany(attack: Attack): Promise<void> {
  const many = Buffer.concat(
    Array<Buffer>(PIPELINE_COMMANDS).fill(pub('hostile-pipelines#ephemeral', 'x')),
  );
  await attack.together(MANY_PIPELINES, async () => {
    const client = await attack.client();
    client.stopReading();
    await sendOnAndOn(attack, client, many);
  });
}

async function endlessBatches(attack: Attack): Promise<void> {
  const batch = mpub(
    'hostile-batches#ephemeral',
    Array<Buffer>(FLOOD_BATCH).fill(Buffer.alloc(FLOOD_MESSAGE_BYTES, 'b')),
  );
  const many = Buffer.concat(Array<Buffer>(FLOOD_CONNECTIONS).fill(batch));
  await attack.together(FLOOD_CONNECTIONS, async () => {
    await sendOnAndOn(attack, await attack.client(), many);
  });
}

/** A broker may also stop reading. */
async function sendOnAndOn(
  attack: Attack,
  client: HostileConnection,
  bytes: Buffer,
): Promise<void> {
  while (attack.isOn && !client.isClosed) {
    await Promise.race([client.sendWhole(bytes), attack.end()]);
  }
}

async function halfBatches(attack: Attack): Promise<void> {
  const topic = 'hostile-half';
  const count = 64;
  const size = Math.floor(HALF_BYTES / count) - 4;
  const whole = mpub(topic, Array<Buffer>(count).fill(Buffer.alloc(size, 'h')));
  const half = whole.subarray(0, -1);
  const clients = await Promise.all(
    Array.from({ length: HALF_CONNECTIONS }, () => attack.client()),
  );
  await Promise.all(clients.map((client) => Promise.race([client.sendWhole(half), attack.end()])));
  await attack.end();
  await attack.close();
  await attack.expectNothingIn(topic);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** Malformed commands. */
export const COMMAND_LIES: readonly Scenario[] = [
  { name: 'lines of 1 MiB', growthMibMax: 64, run: longLines },
  { name: 'sizes up to 4 GiB', growthMibMax: 64, run: hugeSizes },
  { name: 'MPUBs that lie', growthMibMax: 64, run: lyingBatches },
  { name: 'pipelining without reading', growthMibMax: 64, warmsUp: true, run: pipeline },
  { name: 'pipelining on 100 connections', growthMibMax: 64, run: pipelineOnMany },
  { name: 'MPUBs without end', growthMibMax: 64, run: endlessBatches },
  {
    name: 'half-finished MPUBs of 5 MB',
    // what one read brings to each before it is paused, and a body on its way into the ring
    growthMibMax: HALF_CONNECTIONS / 4 + 32,
    bodiesMib: (2 * HALF_CONNECTIONS * HALF_BYTES) / MIB,
    run: halfBatches,
  },
];
