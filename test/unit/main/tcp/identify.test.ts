import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ClientSettings, initialSettings } from '../../../../src/main/tcp/client.ts';
import {
  applyIdentify,
  grantFeatures,
  identifyResponse,
  parseIdentify,
} from '../../../../src/main/tcp/identify.ts';
import { optionsWith } from '../../../support/broker-turns.ts';

const OPTIONS = optionsWith({});

type Applied = { readonly settings: ClientSettings; readonly reason: string | undefined };

function apply(
  fields: Readonly<Record<string, unknown>>,
  settings = initialSettings('10.0.0.1', OPTIONS),
): Applied {
  const request = parseIdentify(Buffer.from(JSON.stringify(fields)));
  assert(request !== undefined, 'the body is read');
  return { settings, reason: applyIdentify(request, settings, OPTIONS) };
}

const NOTHING: ClientSettings = {
  clientId: '',
  hostname: '',
  userAgent: '',
  topologyRegion: '',
  topologyZone: '',
  heartbeatIntervalMs: 30_000,
  outputBufferSize: 16_384,
  outputBufferTimeoutMs: 250,
  sampleRate: 0,
  msgTimeoutMs: null,
};

describe('IDENTIFY: what is granted', () => {
  const cases: readonly (readonly [Record<string, unknown>, Partial<ClientSettings>])[] = [
    [{}, {}],
    [{ short_id: 'a', long_id: 'b', unknown: [1] }, {}],
    [
      { client_id: 'a', hostname: 'b', user_agent: 'c' },
      {
        clientId: 'a',
        hostname: 'b',
        userAgent: 'c',
      },
    ],
    [
      { CLIENT_ID: 'a', Hostname: 'b' },
      { clientId: 'a', hostname: 'b' },
    ],
    [
      { topology_region: 'r', topology_zone: 'z' },
      { topologyRegion: 'r', topologyZone: 'z' },
    ],
    [{ heartbeat_interval: 0 }, {}],
    [{ heartbeat_interval: null }, {}],
    [{ heartbeat_interval: -1 }, { heartbeatIntervalMs: 0 }],
    [{ heartbeat_interval: 1000 }, { heartbeatIntervalMs: 1000 }],
    [{ heartbeat_interval: 60_000 }, { heartbeatIntervalMs: 60_000 }],
    [{ output_buffer_timeout: 0 }, {}],
    [{ output_buffer_timeout: -1 }, { outputBufferTimeoutMs: 0 }],
    [{ output_buffer_timeout: 25 }, { outputBufferTimeoutMs: 25 }],
    [{ output_buffer_timeout: 30_000 }, { outputBufferTimeoutMs: 30_000 }],
    [{ output_buffer_size: 0 }, {}],
    [{ output_buffer_size: -1 }, { outputBufferSize: 1, outputBufferTimeoutMs: 0 }],
    [{ output_buffer_size: 64 }, { outputBufferSize: 64 }],
    [{ output_buffer_size: 65_536 }, { outputBufferSize: 65_536 }],
    [{ sample_rate: 99 }, { sampleRate: 99 }],
    [{ msg_timeout: 0 }, {}],
    [{ msg_timeout: 1000 }, { msgTimeoutMs: 1000 }],
    [{ msg_timeout: 900_000 }, { msgTimeoutMs: 900_000 }],
    [{ tls_v1: true, snappy: true, deflate: true, deflate_level: 99 }, {}],
  ];
  for (const [fields, expected] of cases) {
    test(`IDENTIFY: ${JSON.stringify(fields)}`, () => {
      assert.deepStrictEqual(apply(fields), {
        settings: { ...NOTHING, ...expected },
        reason: undefined,
      });
    });
  }

  test('IDENTIFY: a second one keeps what it does not name, except strings and the rate', () => {
    const all = {
      client_id: 'a',
      heartbeat_interval: 5000,
      output_buffer_size: 100,
      output_buffer_timeout: 100,
      sample_rate: 5,
      msg_timeout: 5000,
    };
    const { settings } = apply(all);

    apply({}, settings);

    assert.deepStrictEqual(settings, {
      ...NOTHING,
      heartbeatIntervalMs: 5000,
      outputBufferSize: 100,
      outputBufferTimeoutMs: 100,
      msgTimeoutMs: 5000,
    });
  });
});

describe('IDENTIFY: what is refused', () => {
  const cases: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ heartbeat_interval: 100 }, 'heartbeat interval (100) is invalid'],
    [{ heartbeat_interval: 999 }, 'heartbeat interval (999) is invalid'],
    [{ heartbeat_interval: 60_001 }, 'heartbeat interval (60001) is invalid'],
    [{ heartbeat_interval: -2 }, 'heartbeat interval (-2) is invalid'],
    [{ output_buffer_timeout: 24 }, 'output buffer timeout (24) is invalid'],
    [{ output_buffer_timeout: 30_001 }, 'output buffer timeout (30001) is invalid'],
    [{ output_buffer_timeout: -2 }, 'output buffer timeout (-2) is invalid'],
    [{ output_buffer_size: 63 }, 'output buffer size (63) is invalid'],
    [{ output_buffer_size: 65_537 }, 'output buffer size (65537) is invalid'],
    [{ output_buffer_size: -2 }, 'output buffer size (-2) is invalid'],
    [{ sample_rate: 100 }, 'sample rate (100) is invalid'],
    [{ sample_rate: -1 }, 'sample rate (-1) is invalid'],
    [{ msg_timeout: 999 }, 'msg timeout (999) is invalid'],
    [{ msg_timeout: 900_001 }, 'msg timeout (900001) is invalid'],
    [{ msg_timeout: -1 }, 'msg timeout (-1) is invalid'],
    // The order of the checks
    [
      {
        msg_timeout: 1,
        sample_rate: 100,
        output_buffer_size: 1,
        output_buffer_timeout: 1,
        heartbeat_interval: 1,
      },
      'heartbeat interval (1) is invalid',
    ],
    [
      { msg_timeout: 1, sample_rate: 100, output_buffer_size: 1, output_buffer_timeout: 1 },
      'output buffer timeout (1) is invalid',
    ],
    [
      { msg_timeout: 1, sample_rate: 100, output_buffer_size: 1 },
      'output buffer size (1) is invalid',
    ],
    [{ msg_timeout: 1, sample_rate: 100 }, 'sample rate (100) is invalid'],
  ];
  for (const [fields, reason] of cases) {
    test(`IDENTIFY: ${JSON.stringify(fields)} is refused`, () => {
      assert.deepStrictEqual(apply(fields).reason, reason);
    });
  }
});

const NOTHING_GRANTED = { isTls: false, isSnappy: false, isDeflate: false, deflateLevel: 6 };

describe('IDENTIFY: response', () => {
  test('IDENTIFY: a client that asks for nothing gets the defaults', () => {
    const { settings } = apply({ feature_negotiation: true });

    const response = identifyResponse(settings, OPTIONS, NOTHING_GRANTED).toString();

    assert.equal(
      response,
      '{"max_rdy_count":2500,"version":"1.3.0","max_msg_timeout":900000,"msg_timeout":60000,' +
        '"tls_v1":false,"deflate":false,"deflate_level":6,"max_deflate_level":6,"snappy":false,' +
        '"sample_rate":0,"auth_required":false,"output_buffer_size":16384,' +
        '"output_buffer_timeout":250,"topology_region":"","topology_zone":""}',
    );
  });

  test("IDENTIFY: the response tells what is in force, and the server's own topology", () => {
    const options = optionsWith({ maxDeflateLevel: 3, topologyRegion: 'r<', topologyZone: 'z' });
    const fields = {
      output_buffer_size: -1,
      sample_rate: 5,
      msg_timeout: 1000,
      topology_zone: 'x',
    };
    const { settings } = apply(fields);

    const response: unknown = JSON.parse(
      identifyResponse(settings, options, { ...NOTHING_GRANTED, deflateLevel: 3 }).toString(),
    );

    assert.deepStrictEqual(response, {
      max_rdy_count: 2500,
      version: '1.3.0',
      max_msg_timeout: 900_000,
      msg_timeout: 1000,
      tls_v1: false,
      deflate: false,
      deflate_level: 3,
      max_deflate_level: 3,
      snappy: false,
      sample_rate: 5,
      auth_required: false,
      output_buffer_size: 1,
      output_buffer_timeout: 0,
      topology_region: 'r<',
      topology_zone: 'z',
    });
  });
});

describe('IDENTIFY: features', () => {
  const cases = [
    [{ snappy: true }, { isSnappy: true }],
    [{ deflate: true }, { isDeflate: true }],
    [
      { deflate: true, deflate_level: 2 },
      { isDeflate: true, deflateLevel: 2 },
    ],
    [
      { deflate: true, deflate_level: 9 },
      { isDeflate: true, deflateLevel: 6 },
    ],
    [{ deflate_level: 2 }, {}],
    [{ tls_v1: true }, { isTls: true }],
    [{}, {}],
  ] as const;
  for (const [asked, granted] of cases) {
    test(`IDENTIFY: ${JSON.stringify(asked)} is granted as ${JSON.stringify(granted)}`, () => {
      const request = parseIdentify(Buffer.from(JSON.stringify(asked)));
      assert.ok(request !== undefined);

      const features = grantFeatures(request, OPTIONS, true);

      assert.deepStrictEqual(features, { ...NOTHING_GRANTED, ...granted });
    });
  }

  test('IDENTIFY: what the broker does not have is not granted', () => {
    const request = parseIdentify(Buffer.from('{"tls_v1":true,"snappy":true,"deflate":true}'));
    assert.ok(request !== undefined);

    const features = grantFeatures(request, optionsWith({ snappy: false, deflate: false }), false);

    assert.deepStrictEqual(features, NOTHING_GRANTED);
  });
});

describe('IDENTIFY: what is kept of texts', () => {
  const cases = [
    { name: 'a text of the largest length', sent: 'a'.repeat(1024), kept: 'a'.repeat(1024) },
    { name: 'a longer text', sent: 'a'.repeat(60_000), kept: 'a'.repeat(1024) },
    { name: 'a text of larger characters', sent: 'ä'.repeat(2000), kept: 'ä'.repeat(1024) },
  ];
  for (const { name, sent, kept } of cases) {
    test(name, () => {
      const fields = ['client_id', 'hostname', 'user_agent', 'topology_region', 'topology_zone'];
      const { settings } = apply(Object.fromEntries(fields.map((field) => [field, sent])));
      assert.deepEqual(settings, {
        ...NOTHING,
        clientId: kept,
        hostname: kept,
        userAgent: kept,
        topologyRegion: kept,
        topologyZone: kept,
      });
    });
  }
});
