import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_CERTIFICATE } from '../../../../src/daemon/tls/certificate-facts.ts';
import type { TlsFacts } from '../../../../src/daemon/tls/tls-facts.ts';
import { Traffic } from '../../../../src/main/stats/traffic.ts';
import { CommandDispatch } from '../../../../src/main/tcp/command-dispatch.ts';
import {
  type BatchBodyHandler,
  CLOSED,
  NEXT,
  type SizedBodyHandler,
  type Step,
  WAIT,
} from '../../../../src/main/tcp/command-handler.ts';
import type { TopicMap } from '../../../../src/main/topics/topic-map.ts';
import { optionsWith } from '../../../support/broker-turns.ts';
import { MainRings } from '../../../support/main-rings.ts';
import { channelNamed, topicNamed } from '../../../support/names.ts';
import { publisherOn } from '../../../support/publisher-side.ts';
import { RecordingPort } from '../../../support/recording-port.ts';

const ID = '0123456789abcdef';
/** With a certificate, so that TLS can be required. */
const REQUIRED = { tlsCert: 'cert.pem', tlsKey: 'key.pem', tlsRequired: true };
const TLS: TlsFacts = {
  version: 'TLS1.3',
  cipherSuite: 'TLS_AES_128_GCM_SHA256',
  negotiatedProtocol: '',
  isMutual: true,
  commonName: '',
  certificate: NO_CERTIFICATE,
};

class Side {
  readonly rings = new MainRings();
  readonly port = new RecordingPort();
  readonly traffic = new Traffic();
  /** What the connection was told. */
  readonly told: string[] = [];
  readonly topics: TopicMap;
  readonly dispatch: CommandDispatch;

  constructor(given: Readonly<Record<string, unknown>> = {}) {
    const { publisher, topics } = publisherOn(this.rings);
    this.topics = topics;
    this.dispatch = new CommandDispatch(this.port, topics, publisher, optionsWith(given), {
      traffic: this.traffic,
      tls: null,
      onStarted: () => this.told.push('started'),
      onLineTooLong: () => this.told.push('line too long'),
      onHttp: () => this.told.push('HTTP'),
      onIdentified: () => this.told.push('identified'),
      onAuthFailed: () => this.told.push('AUTH failed'),
    });
  }

  /** A line in the middle of other bytes. */
  line(text: string): Step | SizedBodyHandler | BatchBodyHandler {
    const bytes = Buffer.from(`before${text}behind`, 'latin1');
    return this.dispatch.onLine(bytes, 6, 6 + text.length);
  }

  /** The counts of commands that are not 0. */
  counts(): Record<string, number> {
    const { identify, auth, sub, cls, pub, mpub, dpub, nop, unknown } = this.traffic;
    const all = { identify, auth, sub, cls, pub, mpub, dpub, nop, unknown };
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
  }
}

describe('CommandDispatch: the first four bytes', () => {
  const cases: readonly (readonly [string, boolean, string[], string[]])[] = [
    ['  V2', true, ['started'], []],
    ['  V1', false, [], ['E_BAD_PROTOCOL']],
    ['GET ', false, ['HTTP'], []],
  ];
  for (const [magic, isStarted, told, sent] of cases) {
    test(JSON.stringify(magic), () => {
      const side = new Side();

      assert.equal(side.dispatch.onMagic(Buffer.from(`xx${magic}`), 2), isStarted);
      assert.deepStrictEqual([side.told, side.port.sent()], [told, sent]);
    });
  }
});

describe('CommandDispatch: each command reaches its handler, and is counted', () => {
  const invalid = (text: string): [Step, string] => [CLOSED, `E_INVALID ${text}`];
  const cases: readonly (readonly [string, [Step, string], Record<string, number>])[] = [
    ['PUB', invalid('PUB insufficient number of parameters'), { pub: 1 }],
    ['MPUB', invalid('MPUB insufficient number of parameters'), { mpub: 1 }],
    ['DPUB', invalid('DPUB insufficient number of parameters'), { dpub: 1 }],
    ['SUB t', invalid('SUB insufficient number of parameters'), { sub: 1 }],
    ['CLS', invalid('cannot CLS in current state'), { cls: 1 }],
    ['AUTH x', invalid('AUTH invalid number of parameters'), { auth: 1 }],
    ['nop', invalid('invalid command nop'), { unknown: 1 }],
    ['\xe9t\xe9', invalid('invalid command \xe9t\xe9'), { unknown: 1 }],
    // A pump counts these, for each record.
    [`FIN ${ID}`, invalid('cannot FIN in current state'), {}],
    ['RDY 1', invalid('cannot RDY in current state'), {}],
    [`REQ ${ID} 0`, invalid('cannot REQ in current state'), {}],
    [`TOUCH ${ID}`, invalid('cannot TOUCH in current state'), {}],
  ];
  for (const [text, [step, sent], counts] of cases) {
    test(text, () => {
      const side = new Side();

      assert.equal(side.line(text), step);
      assert.deepStrictEqual([side.port.sent(), side.counts()], [[sent], counts]);
    });
  }

  test('NOP', () => {
    const side = new Side();

    assert.equal(side.line('NOP'), NEXT);
    assert.deepStrictEqual([side.port.sent(), side.counts()], [[], { nop: 1 }]);
  });

  test('a FIN that the parser has recognised', () => {
    const side = new Side();

    assert.equal(side.dispatch.onFinish(1, 2), CLOSED);
    assert.deepStrictEqual(side.port.sent(), ['E_INVALID cannot FIN in current state']);
  });

  test('a line that is too long is the business of the connection', () => {
    const side = new Side();
    side.dispatch.onLineTooLong();

    assert.deepStrictEqual(side.told, ['line too long']);
  });
});

describe('CommandDispatch: commands with a body return who takes it', () => {
  const cases: readonly (readonly [string, 'sized' | 'batch', RegExp])[] = [
    ['PUB t', 'sized', /^E_BAD_MESSAGE PUB/],
    ['DPUB t 5', 'sized', /^E_BAD_MESSAGE DPUB/],
    ['MPUB t', 'batch', /^E_BAD_BODY MPUB/],
    ['IDENTIFY', 'sized', /^E_BAD_BODY IDENTIFY/],
    ['AUTH', 'sized', /^E_BAD_BODY AUTH/],
  ];
  for (const [text, kind, error] of cases) {
    test(text, () => {
      const side = new Side();
      const body = side.line(text);
      assert.ok(typeof body === 'object');

      assert.equal(body.kind, kind);
      assert.match(body.cutOff('size', 0).data.toString(), error);
    });
  }
});

describe('CommandDispatch: while a response is pending', () => {
  for (const text of ['SUB t c', 'CLS', 'IDENTIFY', 'AUTH', 'nonsense']) {
    test(`${text} waits, and is counted once`, () => {
      const side = new Side();
      const settle = side.port.respondLater();
      assert.deepStrictEqual([side.line(text), side.line(text)], [WAIT, WAIT]);
      assert.deepStrictEqual(side.counts(), {});

      settle(Buffer.alloc(8));
      assert.notEqual(side.line(text), WAIT);
      assert.deepStrictEqual(Object.values(side.counts()), [1]);
    });
  }

  test('PUB and NOP do not wait', () => {
    const side = new Side();
    side.port.respondLater();

    assert.equal(typeof side.line('PUB t'), 'object');
    assert.equal(side.line('NOP'), NEXT);
  });
});

test('CommandDispatch: a SUB that waits for its turn to create is counted once', () => {
  const side = new Side();
  side.topics.getOrCreateChannel(side.topics.getOrCreate(topicNamed('t')), channelNamed('c'));
  while (side.topics.creations.tryTake());
  assert.deepStrictEqual([side.line('SUB new c'), side.line('SUB new c')], [WAIT, WAIT]);
  assert.deepStrictEqual(side.counts(), {});

  assert.equal(side.line('SUB t c'), NEXT);
  assert.deepStrictEqual(side.counts(), { sub: 1 });
});

describe('CommandDispatch: where TLS is required', () => {
  const refused = (word: string): string =>
    `E_INVALID cannot ${word} in current state (TLS required)`;

  for (const text of ['PUB t', 'NOP', `FIN ${ID}`, 'SUB t c', 'AUTH', 'caf\xe9']) {
    test(`${text} is refused before it`, () => {
      const side = new Side(REQUIRED);

      assert.equal(side.line(text), CLOSED);
      assert.deepStrictEqual(side.port.sent(), [refused(text.split(' ')[0])]);
      assert.deepStrictEqual(side.counts(), {});
    });
  }

  test('so is a FIN that the parser has recognised', () => {
    const side = new Side(REQUIRED);

    assert.equal(side.dispatch.onFinish(1, 2), CLOSED);
    assert.deepStrictEqual(side.port.sent(), [refused('FIN')]);
  });

  test('IDENTIFY is accepted, which asks for it', () => {
    assert.equal(typeof new Side(REQUIRED).line('IDENTIFY'), 'object');
  });

  test('everything is accepted over it', () => {
    const side = new Side(REQUIRED);
    side.port.client.tls = TLS;

    assert.equal(side.line('NOP'), NEXT);
    assert.deepStrictEqual(side.port.sent(), []);
  });

  test('it is not enough that HTTP alone may do without it', () => {
    assert.equal(new Side({ ...REQUIRED, tlsRequired: 'tcp-https' }).line('NOP'), CLOSED);
  });
});
