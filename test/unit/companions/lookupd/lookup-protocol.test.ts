import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identify, identityOf, LookupdSite } from '../../../support/lookupd-site.ts';
import { wire } from '../../../support/wire.ts';

test('lookupd: a broker says who it is, and is told who answers', async (t) => {
  const site = await LookupdSite.start(t);
  const client = await site.connect();

  client.send(wire('  V1'), identify(identityOf(1)));
  const { hostname, ...rest } = JSON.parse(await client.reply());

  assert.equal(typeof hostname, 'string');
  assert.deepEqual(rest, {
    broadcast_address: 'look.test',
    http_port: site.ports.http,
    tcp_port: site.ports.tcp,
    version: '1.3.0',
  });
});

for (const [name, sent, answer] of [
  ['PING before IDENTIFY', '  V1PING\n', 'OK'],
  ['another magic', '  V2', 'E_BAD_PROTOCOL'],
  ['REGISTER before IDENTIFY', '  V1REGISTER t\n', 'E_INVALID client must IDENTIFY'],
  ['UNREGISTER before IDENTIFY', '  V1UNREGISTER t\n', 'E_INVALID client must IDENTIFY'],
  ['an unknown command', '  V1NOPE x\n', 'E_INVALID invalid command NOPE'],
  ['an empty line', '  V1\r\n', 'E_INVALID invalid command '],
  ['bytes that are no text', '  V1\xff\xfe\n', 'E_INVALID invalid command \xff\xfe'],
  ['a line without end', `  V1${'x'.repeat(5000)}`, 'E_INVALID line is longer than 4096 bytes'],
] as const) {
  test(`lookupd: ${name} is answered ${JSON.stringify(answer)}`, async (t) => {
    const site = await LookupdSite.start(t);
    const client = await site.connect();

    client.send(sent);

    assert.equal(
      Buffer.from(await client.reply()).toString(),
      Buffer.from(answer, 'latin1').toString(),
    );
  });
}

for (const [name, command, answer] of [
  ['without a topic', 'REGISTER', 'E_INVALID REGISTER insufficient number of params'],
  ['of a bad topic', 'REGISTER a!', "E_BAD_TOPIC REGISTER topic name 'a!' is not valid"],
  ['of a bad channel', 'REGISTER a b!', "E_BAD_CHANNEL REGISTER channel name 'b!' is not valid"],
  ['of no topic', 'UNREGISTER', 'E_INVALID UNREGISTER insufficient number of params'],
  ['of another bad topic', 'UNREGISTER a!', "E_BAD_TOPIC UNREGISTER topic name 'a!' is not valid"],
  ['with surplus words', 'REGISTER a b c d', 'OK'],
  ['of what is not registered', 'UNREGISTER a b', 'OK'],
  ['with space around it', ' \tREGISTER a b \r', 'OK'],
] as const) {
  test(`lookupd: a registration ${name} is answered ${answer}`, async (t) => {
    const site = await LookupdSite.start(t);
    const client = await site.broker(1);

    assert.equal(await client.ask(command), answer);
    if (answer !== 'OK') assert.equal(await client.reply(), '');
  });
}

for (const [name, body, answer] of [
  ['text', 'hello', 'E_BAD_BODY IDENTIFY failed to decode JSON body'],
  ['a port as text', '{"tcp_port":"1"}', 'E_BAD_BODY IDENTIFY failed to decode JSON body'],
  ['nothing', '{}', 'E_BAD_BODY IDENTIFY missing fields'],
  ['null', 'null', 'E_BAD_BODY IDENTIFY missing fields'],
  ['deep JSON', '['.repeat(20_000), 'E_BAD_BODY IDENTIFY failed to decode JSON body'],
] as const) {
  test(`lookupd: IDENTIFY with ${name} is refused`, async (t) => {
    const site = await LookupdSite.start(t);
    const client = await site.connect();

    client.send('  V1', identify(body));

    assert.equal(await client.reply(), answer);
  });
}

for (const [size, answer] of [
  [-1, 'E_BAD_BODY IDENTIFY invalid body size -1'],
  [65_537, 'E_BAD_BODY IDENTIFY body too big 65537 > 65536'],
] as const) {
  test(`lookupd: a body of ${size} bytes is refused`, async (t) => {
    const site = await LookupdSite.start(t);
    const client = await site.connect();

    client.send(wire('  V1IDENTIFY\n', size));

    assert.equal(await client.reply(), answer);
  });
}

for (const [name, sent, missing] of [
  ['size', wire('  V1IDENTIFY\n', 'ab'), 'body size'],
  ['body', wire('  V1IDENTIFY\n', 10, 'ab'), 'body'],
] as const) {
  test(`lookupd: a client that ends within the ${name} is told so`, async (t) => {
    const site = await LookupdSite.start(t);
    const client = await site.connect();

    client.socket.end(sent);

    assert.equal(await client.reply(), `E_BAD_BODY IDENTIFY failed to read ${missing}`);
  });
}

test('lookupd: a second IDENTIFY is refused, and ends what the first has said', async (t) => {
  const site = await LookupdSite.start(t);
  const client = await site.broker(1, 't c');

  assert.equal(await client.ask('IDENTIFY'), 'E_INVALID cannot IDENTIFY again');
  assert.deepEqual(await site.found('t'), []);
});

test('lookupd: commands byte by byte are the same commands', async (t) => {
  const site = await LookupdSite.start(t);
  const client = await site.connect();
  const all = wire('  V1', identify(identityOf(1)), 'REGISTER t c\n');

  for (const byte of all) client.send(Buffer.from([byte]));
  await client.reply();

  assert.equal(await client.reply(), 'OK');
  assert.deepEqual(await site.found('t'), ['n1.test']);
});

test('lookupd: many commands at once are answered in order, also to a slow reader', async (t) => {
  const site = await LookupdSite.start(t);
  const client = await site.broker(1);
  const count = 50_000;
  client.socket.pause();

  client.send('REGISTER t c\n'.repeat(count), 'NOPE\n');
  client.socket.resume();
  for (let at = 0; at < count; at++) assert.equal(await client.reply(), 'OK');

  assert.equal(await client.reply(), 'E_INVALID invalid command NOPE');
});

test('lookupd: a client that never says who it is is disconnected', async (t) => {
  const site = await LookupdSite.start(t);
  const silent = await site.connect();
  await site.log.until(/TCP: new client/);
  const broker = await site.broker(1);

  site.clock.advance(60_000);

  assert.equal(await silent.reply(), '');
  assert.equal(await broker.ask('PING'), 'OK');
});

test('lookupd: a broker beyond the bounds on topics and channels is disconnected', async (t) => {
  const site = await LookupdSite.start(t, { maxRegistrations: 5, maxProducerRegistrations: 4 });
  const first = await site.broker(1, 'a b', 'c');
  const own = await first.ask('REGISTER d');
  const second = await site.broker(2, 'e', 'f');

  assert.equal(own, 'E_INVALID REGISTER a producer may have 4 topics and channels');
  assert.equal(
    await second.ask('REGISTER g'),
    'E_INVALID REGISTER there are 5 topics and channels, which is the limit',
  );
  assert.deepEqual(await site.post('/topic/create?topic=h'), {
    status: 503,
    body: { message: 'TOO_MANY_REGISTRATIONS' },
  });
});

test('lookupd: the log of a broker is the one that operators know', async (t) => {
  const site = await LookupdSite.start(t);
  const client = await site.broker(1, 't c');
  site.clock.advance(1500);
  await client.ask('PING');
  await client.ask('UNREGISTER t');
  client.socket.end();
  await site.log.until(/ERROR: client/);

  const lines = site.log.lines.map((line) => line.replace(/127\.0\.0\.1:\d+/g, 'ADDR'));
  const from = lines.indexOf('INFO: TCP: new client(ADDR)');
  assert.deepEqual(lines.slice(from), [
    'INFO: TCP: new client(ADDR)',
    "INFO: CLIENT(ADDR): desired protocol magic '  V1'",
    'INFO: CLIENT(ADDR): IDENTIFY Address:n1.test TCP:4151 HTTP:5151 Version:1.3.0',
    'INFO: DB: client(ADDR) REGISTER category:client key: subkey:',
    'INFO: DB: client(ADDR) REGISTER category:channel key:t subkey:c',
    'INFO: DB: client(ADDR) REGISTER category:topic key:t subkey:',
    'INFO: CLIENT(ADDR): pinged (last ping 1.5s)',
    'WARNING: client(ADDR) unexpected UNREGISTER category:channel key:t subkey:c',
    'INFO: DB: client(ADDR) UNREGISTER category:topic key:t subkey:',
    'INFO: PROTOCOL(V1): [ADDR] exiting ioloop',
    'INFO: DB: client(ADDR) UNREGISTER category:client key: subkey:',
    'ERROR: client(ADDR) - EOF',
  ]);
});
