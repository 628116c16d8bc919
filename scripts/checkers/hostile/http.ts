/**
 * Requests that never end, or lie about their length.
 */

import type { Attack, Scenario } from './attack.ts';
import type { HostileConnection } from './hostile-connection.ts';

const SLOW_CONNECTIONS = 100;
const HEADER_BYTES = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const SECOND_MS = 1000;
const ANSWERED_MS_MAX = 5000;
const AT_A_TIME = 8;
/** Connections for each kind of request, and requests that are sent at once. */
const PIPELINES = 20;
const PIPELINED = 1000;
const TOPIC = 'hostile-http';
const UNFINISHED_CONNECTIONS = 1000;
const UNFINISHED_FIELDS = 16_000;
const SLOW_REQUEST = `POST /pub?topic=${TOPIC} HTTP/1.1\r\nHost: x\r\nX-Slow: ${'z'.repeat(1000)}`;
const UNFINISHED_REQUEST = Buffer.from(
  `POST /pub?topic=${TOPIC} HTTP/1.1\r\nHost: x\r\n${'a:\r\n'.repeat(UNFINISHED_FIELDS)}`,
);
const CHUNK = Buffer.concat([
  Buffer.from(`${CHUNK_BYTES.toString(16)}\r\n`),
  Buffer.alloc(CHUNK_BYTES, 'c'),
  Buffer.from('\r\n'),
]);

/** Headers that are ambiguous about a length of ten bytes. */
const LENGTHS: readonly string[] = [
  'Content-Length: 100',
  'Content-Length: -1',
  'Content-Length: ten',
  'Content-Length: 99999999999999999999',
  'Content-Length: 10\r\nContent-Length: 11',
  'Content-Length: 10\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked',
];

async function slowHeaders(attack: Attack): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: SLOW_CONNECTIONS }, () => connect(attack)),
  );
  const bytes = Buffer.from(SLOW_REQUEST);
  for (let at = 0; attack.isOn; at++) {
    for (const client of clients) client.send(bytes.subarray(at, at + 1));
    await attack.pause(SECOND_MS);
  }
}

async function hugeHeaders(attack: Attack): Promise<void> {
  const bytes = Buffer.from(
    `POST /pub?topic=${TOPIC} HTTP/1.1\r\nHost: x\r\nX-Huge: ${'h'.repeat(HEADER_BYTES)}\r\n\r\n`,
  );
  await attack.together(AT_A_TIME, async () => {
    do {
      const client = await connect(attack);
      await client.sendWhole(bytes);
      if (!(await attack.inTime(client.closed, ANSWERED_MS_MAX))) {
        attack.fault(`a header of ${HEADER_BYTES} bytes is still listened to`);
        return;
      }
    } while (attack.isOn);
  });
  await attack.expectNothingIn(TOPIC);
}

async function endlessBodies(attack: Attack): Promise<void> {
  const paths = [`/pub?topic=${TOPIC}`, `/mpub?topic=${TOPIC}`, `/mpub?topic=${TOPIC}&binary=true`];
  await attack.together(paths.length, async (index) => {
    const client = await connect(attack);
    client.send(
      Buffer.from(`POST ${paths[index]} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`),
    );
    let sentBytes = 0;
    while (attack.isOn && !client.isClosed) {
      await Promise.race([client.sendWhole(CHUNK), attack.end()]);
      sentBytes += CHUNK_BYTES;
    }
    if (!/^HTTP\/1\.1 4\d\d /.test(client.received) && !client.isClosed) {
      attack.fault(`${paths[index]}: no answer after ${sentBytes} bytes`);
    }
  });
  await attack.expectNothingIn(TOPIC);
}

/** Heads of the shortest fields, which are not ended; a connection that is closed is replaced. */
async function unfinishedHeaders(attack: Attack): Promise<void> {
  await attack.together(UNFINISHED_CONNECTIONS, async () => {
    while (attack.isOn) {
      const client = await connect(attack);
      await Promise.race([client.sendWhole(UNFINISHED_REQUEST), client.closed, attack.end()]);
      await Promise.race([client.closed, attack.end()]);
    }
  });
  await attack.expectNothingIn(TOPIC);
}

async function wrongLengths(attack: Attack): Promise<void> {
  do {
    await attack.together(LENGTHS.length, async (index) => {
      const client = await connect(attack);
      const head = `POST /pub?topic=${TOPIC} HTTP/1.1\r\nHost: x\r\n${LENGTHS[index]}\r\n\r\n`;
      client.send(Buffer.from(`${head}0123456789`));
      client.end();
      if (!(await attack.inTime(client.closed, ANSWERED_MS_MAX))) {
        attack.fault(`${JSON.stringify(LENGTHS[index])}: the connection stays open`);
      }
    });
  } while (attack.isOn);
  await attack.expectNothingIn(TOPIC);
}

async function pipelines(attack: Attack): Promise<void> {
  const requests = [
    'POST /pub?topic=hostile-http%23ephemeral HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na',
    'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /channel/create?topic=hostile-http%23ephemeral HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
  ];
  await attack.together(PIPELINES * requests.length, async (index) => {
    const client = await connect(attack);
    const many = Buffer.from(requests[index % requests.length].repeat(PIPELINED));
    while (attack.isOn && !client.isClosed) {
      await Promise.race([client.sendWhole(many), attack.end()]);
    }
  });
}

function connect(attack: Attack): Promise<HostileConnection> {
  return attack.connect(attack.target.httpPort);
}

/** Malformed HTTP requests. */
export const HTTP: readonly Scenario[] = [
  { name: 'HTTP: slow headers', growthMibMax: 32, needsHttp: true, run: slowHeaders },
  { name: 'HTTP: headers of 1 MiB', growthMibMax: 64, needsHttp: true, run: hugeHeaders },
  { name: 'HTTP: unfinished headers', growthMibMax: 240, needsHttp: true, run: unfinishedHeaders },
  { name: 'HTTP: bodies without end', growthMibMax: 64, needsHttp: true, run: endlessBodies },
  {
    name: 'HTTP: wrong lengths',
    growthMibMax: 64,
    needsHttp: true,
    warmsUp: true,
    run: wrongLengths,
  },
  // Alone, on a broker that has just started, it takes 82 MiB, and 30 after the others.
  { name: 'HTTP: pipelining', growthMibMax: 96, needsHttp: true, run: pipelines },
];
