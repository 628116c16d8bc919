/**
 * Inputs for the fuzzer: examples of every format with random changes, and texts that are difficult for parsers. All
 * from a seeded generator.
 */

import { deflateRawSync } from 'node:zlib';
import * as commands from '../../src/protocol/commands.ts';
import { encodeControl } from '../../src/shared/control.ts';
import type { Random } from '../support/seeded-random.ts';

import { CERTIFICATE, KEY } from './certificate.ts';

const SNAPPY = Buffer.from('ff060000734e61507059010500' + '00a0d3c6bb61', 'hex');
const GRANT =
  '{"ttl":3600,"identity":"joe","authorizations":[{"topic":"^t.*$","channels":["(?i)a|b{2,3}"],"permissions":["publish"]}]}';
const EXAMPLES: readonly Buffer[] = [
  Buffer.from(
    '{"client_id":"a","msg_timeout":1000,"tls_v1":true,"sample_rate":5,"x":[1,{"y":null}]}',
  ),
  Buffer.from(GRANT),
  Buffer.from(
    '{"topics":[{"name":"t","paused":false,"channels":[{"name":"c","paused":true}]}],"version":"1.3.0"}',
  ),
  Buffer.from('(?i)^a+[\\pL]{1,9}|(b*?)(?P<n>x|y)$'),
  Buffer.from('topic=t&channel=c%23ephemeral&defer=5&binary=true'),
  Buffer.from('data_path = "/d"\nmax_rdy_count = 2500\nx = [1, {a = "b"}]\n[t]\ny = 1979-05-27\n'),
  Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from('OK'), Buffer.from([0, 0, 0, 1, 65])]),
  Buffer.concat([
    commands.MAGIC,
    commands.identify({ client_id: 'a', deflate: true }),
    commands.line('NOP'),
  ]),
  Buffer.concat([commands.MAGIC, commands.pub('t', 'body'), commands.mpub('t', ['a', 'b'])]),
  Buffer.concat([
    commands.MAGIC,
    commands.line('SUB', 't', 'c'),
    commands.line('RDY', 2),
    commands.line('FIN', '0123456789abcdef'),
  ]),
  Buffer.from(
    '{"pattern":"a.*:b?","priority":1,"definition":{"max-attempts":5,"msg-timeout":"1s"}}',
  ),
  Buffer.from(
    '{"version":1,"policies":[{"name":"p","pattern":"*","priority":-1,"definition":{"max-bytes":"1MiB"}}]}',
  ),
  Buffer.from('[policy.p]\npattern = "orders*"\npriority = 3\nexpires = "1h"\ndead-letter = "d"\n'),
  Buffer.from(CERTIFICATE),
  Buffer.from(KEY),
  Buffer.concat([
    encodeControl({ do: 'stats', topics: [1, 2], channels: [3], consumers: [] }),
    encodeControl({ event: 'log', level: 'warn', text: 'x' }),
  ]),
  SNAPPY,
  deflateRawSync('some text that is repeated, some text that is repeated'),
];
const CHANGES_MAX = 8;
const DEPTH_MAX = 60_000;
const LONG_MAX = 4000;
const NOISE_BYTES_MAX = 512;
const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ':',
  ',',
  'null',
  '1e999',
  '-0',
  '9223372036854775808',
  '\\ud800',
  '%',
  '\0',
  '\n',
  '(',
  ')',
  '{1000}',
  '[^',
  '\u{10ffff}',
];

/** The next input. */
export function nextInput(below: Random): Buffer {
  switch (below(8)) {
    case 0:
      return nested(below);
    case 1:
      return Buffer.from(Array.from({ length: below(NOISE_BYTES_MAX) }, () => below(256)));
    case 2:
      return Buffer.from(
        Array.from({ length: below(64) }, () => TOKENS[below(TOKENS.length)]).join(''),
      );
    case 3:
      return Buffer.from(TOKENS[below(TOKENS.length)].repeat(1 + below(LONG_MAX)));
    default:
      return changed(Buffer.from(EXAMPLES[below(EXAMPLES.length)]), below);
  }
}

/** Nested values, closed or not. */
function nested(below: Random): Buffer {
  const depth = 1 + below(DEPTH_MAX);
  const [open, close] = [
    ['[', ']'],
    ['{"a":', '}'],
    ['(', ')'],
    ['a=[', ']'],
  ][below(4)];
  const end = below(4) === 0 ? '' : close.repeat(depth);
  const text = `${open.repeat(depth)}1${end}`;
  return Buffer.from(below(2) === 0 ? text : `{"ttl":1,"client_id":${text}}`);
}

function changed(example: Buffer, below: Random): Buffer {
  let bytes = example;
  for (let count = below(CHANGES_MAX); count > 0; count--) {
    const at = below(bytes.length + 1);
    switch (below(4)) {
      case 0:
        if (at < bytes.length) bytes[at] = below(256);
        break;
      case 1:
        bytes = bytes.subarray(0, at);
        break;
      case 2:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(TOKENS[below(TOKENS.length)]),
          bytes.subarray(at),
        ]);
        break;
      case 3:
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        break;
    }
  }
  return bytes;
}
