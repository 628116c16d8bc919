import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { identify, MAGIC, mpub, pub } from '../../../../src/protocol/commands.ts';
import { BrokerTurns } from '../../../support/broker-turns.ts';
import { singleBytes } from '../../../support/chunks.ts';
import type { FakeSocket } from '../../../support/fake-socket.ts';
import { wire, withBody } from '../../../support/wire.ts';

const ID = '0123456789abcdef';
const SUB = wire('SUB t c\n');
const OPTIONS = {
  maxMsgSize: 100,
  maxBodySize: 200,
  maxRdyCount: 50,
  maxReqTimeoutMs: 60_000,
  maxChannelConsumers: 1,
};

/** Many brokers are made here, so each gets little memory. */
const RINGS = { publishBytes: 128 * 1024, commandBytes: 512 * 1024, otherBytes: 128 * 1024 };

type Outcome = { readonly frames: string[]; readonly hasEnded: boolean };

/** Sends the bytes on a connection of its own and tells what came back. */
async function answers(
  bytes: Buffer,
  send: (client: FakeSocket, bytes: Buffer) => void = (client, all) => client.send(all),
): Promise<Outcome> {
  const broker = new BrokerTurns(OPTIONS, RINGS);
  const client = broker.connect();
  await broker.turns();
  send(client, bytes);
  await broker.turns();
  return { frames: client.frames(), hasEnded: client.hasEnded };
}

const ok = (...frames: string[]): Outcome => ({ frames, hasEnded: false });
const fatal = (...frames: string[]): Outcome => ({ frames, hasEnded: true });
const invalid = (text: string): Outcome => fatal(`error E_INVALID ${text}`);

describe('Connection: what a command does in each state', () => {
  const commands: readonly (readonly [string, Buffer, Outcome, Outcome, Outcome])[] = [
    // name, bytes, in Init, Subscribed, Closing
    [
      'IDENTIFY',
      identify({}),
      ok('response OK'),
      invalid('cannot IDENTIFY in current state'),
      invalid('cannot IDENTIFY in current state'),
    ],
    [
      'AUTH',
      withBody('AUTH', 'x'),
      fatal('error E_AUTH_DISABLED AUTH disabled'),
      invalid('cannot AUTH in current state'),
      invalid('cannot AUTH in current state'),
    ],
    [
      'SUB',
      wire('SUB other c\n'),
      ok('response OK'),
      invalid('cannot SUB in current state'),
      invalid('cannot SUB in current state'),
    ],
    ['RDY', wire('RDY 1\n'), invalid('cannot RDY in current state'), ok(), ok()],
    [
      'a wrong RDY',
      wire('RDY x\n'),
      invalid('cannot RDY in current state'),
      invalid('RDY could not parse count x'),
      ok(),
    ],
    [
      'FIN',
      wire(`FIN ${ID}\n`),
      invalid('cannot FIN in current state'),
      ok(`error E_FIN_FAILED FIN ${ID} failed ID not in flight`),
      ok(`error E_FIN_FAILED FIN ${ID} failed ID not in flight`),
    ],
    [
      'REQ',
      wire(`REQ ${ID} 0\n`),
      invalid('cannot REQ in current state'),
      ok(`error E_REQ_FAILED REQ ${ID} failed ID not in flight`),
      ok(`error E_REQ_FAILED REQ ${ID} failed ID not in flight`),
    ],
    [
      'TOUCH',
      wire(`TOUCH ${ID}\n`),
      invalid('cannot TOUCH in current state'),
      ok(`error E_TOUCH_FAILED TOUCH ${ID} failed ID not in flight`),
      ok(`error E_TOUCH_FAILED TOUCH ${ID} failed ID not in flight`),
    ],
    [
      'CLS',
      wire('CLS\n'),
      invalid('cannot CLS in current state'),
      ok('response CLOSE_WAIT'),
      invalid('cannot CLS in current state'),
    ],
    ['PUB', pub('t', 'x'), ok('response OK'), ok('response OK'), ok('response OK')],
    ['MPUB', mpub('t', ['x', 'y']), ok('response OK'), ok('response OK'), ok('response OK')],
    ['DPUB', withBody('DPUB t 5', 'x'), ok('response OK'), ok('response OK'), ok('response OK')],
    ['NOP', wire('NOP\n'), ok(), ok(), ok()],
    [
      'an unknown word',
      wire('nop x\n'),
      invalid('invalid command nop'),
      invalid('invalid command nop'),
      invalid('invalid command nop'),
    ],
    [
      'an empty line',
      wire('\n'),
      invalid('invalid command '),
      invalid('invalid command '),
      invalid('invalid command '),
    ],
  ];
  for (const [name, bytes, inInit, inSubscribed, inClosing] of commands) {
    test(`Connection: ${name} before SUB`, async () => {
      assert.deepStrictEqual(await answers(wire(MAGIC, bytes)), inInit);
    });

    test(`Connection: ${name} after SUB`, async () => {
      const { frames, hasEnded } = await answers(wire(MAGIC, SUB, bytes));

      assert.deepStrictEqual(
        { frames, hasEnded },
        { frames: ['response OK', ...inSubscribed.frames], hasEnded: inSubscribed.hasEnded },
      );
    });

    test(`Connection: ${name} after CLS`, async () => {
      const { frames, hasEnded } = await answers(wire(MAGIC, SUB, 'CLS\n', bytes));

      const before = ['response OK', 'response CLOSE_WAIT'];
      assert.deepStrictEqual(
        { frames, hasEnded },
        { frames: [...before, ...inClosing.frames], hasEnded: inClosing.hasEnded },
      );
    });
  }
});

describe('Connection: errors, and which one wins', () => {
  const long = 'n'.repeat(65);
  const cases: readonly (readonly [Buffer, Outcome])[] = [
    // connection
    [wire('  V1'), fatal('error E_BAD_PROTOCOL')],
    [wire('GE / HTTP/1.1\r\n'), fatal('error E_BAD_PROTOCOL')],
    [wire(MAGIC, 'x'.repeat(16384)), fatal()],
    [wire(MAGIC, 'é \n'), invalid('invalid command é')],
    [wire(MAGIC, ' NOP\n'), invalid('invalid command ')],
    // IDENTIFY
    [wire(MAGIC, 'IDENTIFY\n', 201), fatal('error E_BAD_BODY IDENTIFY body too big 201 > 200')],
    [wire(MAGIC, 'IDENTIFY\n', 0), fatal('error E_BAD_BODY IDENTIFY invalid body size 0')],
    [wire(MAGIC, 'IDENTIFY\n', -1), fatal('error E_BAD_BODY IDENTIFY invalid body size -1')],
    [
      wire(MAGIC, withBody('IDENTIFY', '{')),
      fatal('error E_BAD_BODY IDENTIFY failed to decode JSON body'),
    ],
    [
      wire(MAGIC, identify({ msg_timeout: '1000' })),
      fatal('error E_BAD_BODY IDENTIFY failed to decode JSON body'),
    ],
    [
      wire(MAGIC, identify({ heartbeat_interval: 100 })),
      fatal('error E_BAD_BODY IDENTIFY heartbeat interval (100) is invalid'),
    ],
    [
      wire(MAGIC, identify({ feature_negotiation: true, snappy: true, deflate: true })),
      fatal('error E_IDENTIFY_FAILED cannot enable both deflate and snappy compression'),
    ],
    [wire(MAGIC, identify({ snappy: true, deflate: true })), ok('response OK')],
    [wire(MAGIC, 'IDENTIFY surplus\n', 2, '{}'), ok('response OK')],
    [wire(MAGIC, withBody('IDENTIFY', 'null')), ok('response OK')],
    [wire(MAGIC, identify({}), identify({})), ok('response OK', 'response OK')],
    // AUTH
    [wire(MAGIC, 'AUTH \n', 1, 'x'), invalid('AUTH invalid number of parameters')],
    [wire(MAGIC, 'AUTH\n', 201), fatal('error E_BAD_BODY AUTH body too big 201 > 200')],
    [wire(MAGIC, 'AUTH\n', 0), fatal('error E_BAD_BODY AUTH invalid body size 0')],
    // SUB
    [
      wire(MAGIC, identify({ heartbeat_interval: -1 }), 'SUB\n'),
      fatal('response OK', 'error E_INVALID cannot SUB with heartbeats disabled'),
    ],
    [wire(MAGIC, 'SUB\n'), invalid('SUB insufficient number of parameters')],
    [wire(MAGIC, 'SUB !\n'), invalid('SUB insufficient number of parameters')],
    [wire(MAGIC, 'SUB ! !\n'), fatal('error E_BAD_TOPIC SUB topic name "!" is not valid')],
    [wire(MAGIC, 'SUB a  c\n'), fatal('error E_BAD_CHANNEL SUB channel name "" is not valid')],
    [
      wire(MAGIC, `SUB a ${long}\n`),
      fatal(`error E_BAD_CHANNEL SUB channel name "${long}" is not valid`),
    ],
    [
      wire(MAGIC, 'SUB a "\x01\xff c\n'),
      fatal('error E_BAD_CHANNEL SUB channel name "\\"\\x01\\xff" is not valid'),
    ],
    [wire(MAGIC, 'SUB a#ephemeral c#ephemeral surplus\n'), ok('response OK')],
    // PUB
    [wire(MAGIC, 'PUB\n'), invalid('PUB insufficient number of parameters')],
    [wire(MAGIC, 'PUB \n'), fatal('error E_BAD_TOPIC PUB topic name "" is not valid')],
    [wire(MAGIC, 'PUB t\n', 0), fatal('error E_BAD_MESSAGE PUB invalid message body size 0')],
    [wire(MAGIC, 'PUB t\n', -1), fatal('error E_BAD_MESSAGE PUB invalid message body size -1')],
    [wire(MAGIC, 'PUB t\n', 101), fatal('error E_BAD_MESSAGE PUB message too big 101 > 100')],
    [wire(MAGIC, pub('t', 'x'.repeat(100))), ok('response OK')],
    [wire(MAGIC, withBody('PUB t surplus', 'x')), ok('response OK')],
    // DPUB
    [wire(MAGIC, 'DPUB !\n'), invalid('DPUB insufficient number of parameters')],
    [wire(MAGIC, 'DPUB ! x\n'), fatal('error E_BAD_TOPIC DPUB topic name "!" is not valid')],
    [wire(MAGIC, 'DPUB t -1\n'), invalid('DPUB could not parse timeout -1')],
    [wire(MAGIC, 'DPUB t 1\xe9\n'), invalid('DPUB could not parse timeout 1\xe9')],
    [wire(MAGIC, 'DPUB t 60001\n'), invalid('DPUB timeout 60001 out of range 0-60000')],
    // In ns this is negative, as Go's durations wrap.
    [
      wire(MAGIC, 'DPUB t 9223372036855\n'),
      invalid('DPUB timeout 9223372036855 out of range 0-60000'),
    ],
    [wire(MAGIC, withBody('DPUB t 60000', 'x')), ok('response OK')],
    [wire(MAGIC, withBody('DPUB t ', 'x')), ok('response OK')],
    [wire(MAGIC, 'DPUB t 0\n', 0), fatal('error E_BAD_MESSAGE DPUB invalid message body size 0')],
    [wire(MAGIC, 'DPUB t 0\n', 101), fatal('error E_BAD_MESSAGE DPUB message too big 101 > 100')],
    // MPUB
    [wire(MAGIC, 'MPUB\n'), invalid('MPUB insufficient number of parameters')],
    [
      wire(MAGIC, 'MPUB !\n'),
      fatal('error E_BAD_TOPIC E_BAD_TOPIC MPUB topic name "!" is not valid'),
    ],
    [wire(MAGIC, 'MPUB t\n', 0), fatal('error E_BAD_BODY MPUB invalid body size 0')],
    [wire(MAGIC, 'MPUB t\n', -2), fatal('error E_BAD_BODY MPUB invalid body size -2')],
    [wire(MAGIC, 'MPUB t\n', 201), fatal('error E_BAD_BODY MPUB body too big 201 > 200')],
    [wire(MAGIC, 'MPUB t\n', 9, 0), fatal('error E_BAD_BODY MPUB invalid message count 0')],
    [wire(MAGIC, 'MPUB t\n', 9, -1), fatal('error E_BAD_BODY MPUB invalid message count -1')],
    // At most (200 - 4) / 5 messages.
    [wire(MAGIC, 'MPUB t\n', 9, 40), fatal('error E_BAD_BODY MPUB invalid message count 40')],
    [wire(MAGIC, mpub('t', [...'x'.repeat(39)])), ok('response OK')],
    [
      wire(MAGIC, 'MPUB t\n', 9, 2, 1, 'x', 0),
      fatal('error E_BAD_MESSAGE MPUB invalid message(1) body size 0'),
    ],
    [
      wire(MAGIC, 'MPUB t\n', 9, 2, 1, 'x', 101),
      fatal('error E_BAD_MESSAGE MPUB message too big 101 > 100'),
    ],
    // The size that is announced is only checked against the limit.
    [wire(MAGIC, 'MPUB t\n', 1, 2, 1, 'x', 1, 'y'), ok('response OK')],
    // RDY
    [wire(MAGIC, SUB, 'RDY\n'), ok('response OK')],
    [wire(MAGIC, SUB, 'RDY \n'), ok('response OK')],
    [wire(MAGIC, SUB, 'RDY 50\n'), ok('response OK')],
    [
      wire(MAGIC, SUB, 'RDY 51\n'),
      fatal('response OK', 'error E_INVALID RDY count 51 out of range 0-50'),
    ],
    [
      wire(MAGIC, SUB, 'RDY -1\n'),
      fatal('response OK', 'error E_INVALID RDY could not parse count -1'),
    ],
    [
      wire(MAGIC, SUB, 'RDY 18446744073709551615\n'),
      fatal('response OK', 'error E_INVALID RDY count -1 out of range 0-50'),
    ],
    // FIN, REQ, TOUCH
    [
      wire(MAGIC, SUB, 'FIN\n'),
      fatal('response OK', 'error E_INVALID FIN insufficient number of params'),
    ],
    [
      wire(MAGIC, SUB, 'FIN 0123456789abcde\n'),
      fatal('response OK', 'error E_INVALID invalid message ID'),
    ],
    [
      wire(MAGIC, SUB, 'FIN 0123456789abcdef0\n'),
      fatal('response OK', 'error E_INVALID invalid message ID'),
    ],
    [
      wire(MAGIC, SUB, 'FIN 0123456789ABCDEF\n'),
      ok('response OK', 'error E_FIN_FAILED FIN 0123456789ABCDEF failed ID not in flight'),
    ],
    [
      wire(MAGIC, SUB, `FIN ${'\xff'.repeat(16)}\n`),
      ok('response OK', `error E_FIN_FAILED FIN ${'\xff'.repeat(16)} failed ID not in flight`),
    ],
    [
      wire(MAGIC, SUB, `FIN ${ID} surplus\r\n`),
      ok('response OK', `error E_FIN_FAILED FIN ${ID} failed ID not in flight`),
    ],
    [
      wire(MAGIC, SUB, `REQ ${ID}\n`),
      fatal('response OK', 'error E_INVALID REQ insufficient number of params'),
    ],
    [wire(MAGIC, SUB, 'REQ x y\n'), fatal('response OK', 'error E_INVALID invalid message ID')],
    [
      wire(MAGIC, SUB, `REQ ${ID} -5\n`),
      fatal('response OK', 'error E_INVALID REQ could not parse timeout -5'),
    ],
    [
      wire(MAGIC, SUB, 'REQ 0123456789abcdeX 99999999\n'),
      ok('response OK', 'error E_REQ_FAILED REQ 0123456789abcdeX failed ID not in flight'),
    ],
    [
      wire(MAGIC, SUB, 'TOUCH\n'),
      fatal('response OK', 'error E_INVALID TOUCH insufficient number of params'),
    ],
    [wire(MAGIC, SUB, 'TOUCH x\n'), fatal('response OK', 'error E_INVALID invalid message ID')],
    [
      wire(MAGIC, SUB, 'TOUCH 0123456789abcdeX\n'),
      ok('response OK', 'error E_TOUCH_FAILED TOUCH 0123456789abcdeX failed ID not in flight'),
    ],
    // As old clients send them
    [wire(MAGIC, SUB, 'NOP \n', 'CLS \n'), ok('response OK', 'response CLOSE_WAIT')],
  ];
  for (const [bytes, expected] of cases) {
    const shown = JSON.stringify(bytes.toString('latin1')).slice(0, 80);
    test(`Connection: ${shown} as a whole and byte by byte`, async () => {
      const whole = await answers(bytes);
      const inBytes = await answers(bytes, (client, all) => {
        for (const byte of singleBytes(all)) client.send(byte);
      });

      assert.deepStrictEqual({ whole, inBytes }, { whole: expected, inBytes: expected });
    });
  }

  test('Connection: nothing is carried out behind a fatal error', async () => {
    const broker = new BrokerTurns(OPTIONS);
    const client = broker.connect();
    client.send(wire(MAGIC, 'nop\n', pub('t', 'x')));
    await broker.turns();

    client.send(pub('t', 'x'));
    await broker.turns();

    assert.deepStrictEqual(
      [client.frames(), broker.topics.get('t')],
      [['error E_INVALID invalid command nop'], undefined],
    );
  });

  test('Connection: more consumers than a channel may have', async () => {
    const broker = new BrokerTurns(OPTIONS);
    const first = broker.connect();
    first.send(wire(MAGIC, SUB));
    const second = broker.connect();
    await broker.turns();

    second.send(wire(MAGIC, SUB));
    await broker.turns();

    const text = 'SUB failed consumers for t:c exceeds limit of 1';
    assert.deepStrictEqual(second.frames(), [`error E_SUB_FAILED ${text}`]);
    assert.deepStrictEqual([first.hasEnded, second.hasEnded], [false, true]);
  });

  test('Connection: MPUB creates its topic although its body is bad', async () => {
    const broker = new BrokerTurns(OPTIONS);
    const client = broker.connect();

    client.send(wire(MAGIC, 'MPUB t\n', 0));
    await broker.turns();

    assert.deepStrictEqual(broker.topics.get('t')?.name, 't');
  });

  test('Connection: PUB creates no topic if its body is bad', async () => {
    const broker = new BrokerTurns(OPTIONS);
    const client = broker.connect();

    client.send(wire(MAGIC, 'PUB t\n', 0));
    await broker.turns();

    assert.deepStrictEqual(broker.topics.get('t'), undefined);
  });
});

describe('Connection: input that ends inside a command', () => {
  const bad = (code: string, text: string): Outcome => fatal(`error ${code} ${text}`);
  const mpubBytes = wire('MPUB t\n', 99, 2, 1, 'a', 2, 'b');
  const cases: readonly (readonly [Buffer, Outcome])[] = [
    [wire('  '), fatal()],
    [wire(MAGIC), fatal()],
    [wire(MAGIC, 'NOP'), fatal()],
    [wire(MAGIC, 'PUB t\n'), bad('E_BAD_MESSAGE', 'PUB failed to read message body size')],
    [wire(MAGIC, 'PUB t\n\0\0\0'), bad('E_BAD_MESSAGE', 'PUB failed to read message body size')],
    [wire(MAGIC, 'PUB t\n', 2), bad('E_BAD_MESSAGE', 'PUB failed to read message body')],
    [wire(MAGIC, 'DPUB t 1\n'), bad('E_BAD_MESSAGE', 'DPUB failed to read message body size')],
    [wire(MAGIC, 'DPUB t 1\n', 2, 'x'), bad('E_BAD_MESSAGE', 'DPUB failed to read message body')],
    [wire(MAGIC, mpubBytes.subarray(0, 8)), bad('E_BAD_BODY', 'MPUB failed to read body size')],
    [
      wire(MAGIC, mpubBytes.subarray(0, 12)),
      bad('E_BAD_BODY', 'MPUB failed to read message count'),
    ],
    [
      wire(MAGIC, mpubBytes.subarray(0, 15)),
      bad('E_BAD_MESSAGE', 'MPUB failed to read message(0) body size'),
    ],
    [
      wire(MAGIC, mpubBytes.subarray(0, 19)),
      bad('E_BAD_MESSAGE', 'MPUB failed to read message body'),
    ],
    [
      wire(MAGIC, mpubBytes.subarray(0, 23)),
      bad('E_BAD_MESSAGE', 'MPUB failed to read message(1) body size'),
    ],
    [wire(MAGIC, mpubBytes), bad('E_BAD_MESSAGE', 'MPUB failed to read message body')],
    [wire(MAGIC, 'IDENTIFY\n\0'), bad('E_BAD_BODY', 'IDENTIFY failed to read body size')],
    [wire(MAGIC, 'IDENTIFY\n', 2, '{'), bad('E_BAD_BODY', 'IDENTIFY failed to read body')],
    [wire(MAGIC, 'AUTH\n'), bad('E_BAD_BODY', 'AUTH failed to read body size')],
    [wire(MAGIC, 'AUTH\n', 2, '{'), bad('E_BAD_BODY', 'AUTH failed to read body')],
    [wire(MAGIC, pub('t', 'x')), fatal('response OK')],
  ];
  for (const [bytes, expected] of cases) {
    const shown = JSON.stringify(bytes.toString('latin1'));
    test(`Connection: the input ends after ${shown}`, async () => {
      const outcome = await answers(bytes, (client, all) => {
        client.send(all);
        client.end();
      });

      assert.deepStrictEqual(outcome, expected);
    });
  }
});
