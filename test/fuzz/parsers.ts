/**
 * Every parser of bytes from outside, as the fuzz calls it: with any bytes, of which it may refuse what it likes in the
 * way that its callers expect. What it throws beside that, or says against a second opinion, is a finding.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseGoFields } from '../../src/daemon/go/go-fields.ts';
import { JSON_DEPTH_MAX, jsonMembers, parseJson } from '../../src/daemon/go/json.ts';
import { Query, unescapePercent } from '../../src/daemon/http/query.ts';
import { parseConfigFile } from '../../src/daemon/options/config-file.ts';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { atOnce } from '../../src/daemon/slices.ts';
import { peerTlsOptions } from '../../src/daemon/tls/peer-tls.ts';
import { TlsContext } from '../../src/daemon/tls/tls-context.ts';
import { Grant } from '../../src/main/auth/grant.ts';
import { splitLines, takeSized } from '../../src/main/http/mpub-body.ts';
import { OPTION_ROWS } from '../../src/main/options/options.ts';
import { parsePeerInfo } from '../../src/main/peers/lookupd/peer-info.ts';
import { ReplyParser } from '../../src/main/peers/lookupd/reply-parser.ts';
import { parsePolicy, policyJson } from '../../src/main/policies/policy.ts';
import { parsePolicyTables } from '../../src/main/policies/policy-tables.ts';
import { Metadata } from '../../src/main/topics/metadata.ts';
import type { Decoder } from '../../src/protocol/compression/codec.ts';
import { DeflateDecoder } from '../../src/protocol/compression/deflate-decoder.ts';
import { SnappyDecoder } from '../../src/protocol/compression/snappy-decoder.ts';
import { AssertionError } from '../../src/shared/assert.ts';
import { decodeControl } from '../../src/shared/control.ts';
import { POLICIES_FILE, SIDECAR_DIRECTORY } from '../../src/shared/data-files.ts';
import { BrokerTurns } from '../support/broker-turns.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { policyStoreOf } from '../support/policy-store.ts';
import { CERTIFICATE, KEY } from './certificate.ts';

/** Takes any bytes. Errors: throws or rejects with a finding. */
export type Parser = (bytes: Buffer) => void | Promise<void>;

const FIELDS = {
  client_id: 'string',
  tls_v1: 'bool',
  msg_timeout: 'int',
  sample_rate: 'int32',
} as const;
const BYTES_MAX = 1024 * 1024;
const PIECES = 3;
/** Texts up to this length cannot be nested so deep that comparing what they say takes too much stack. */
const COMPARED_LENGTH_MAX = 500;

export const PARSERS: Readonly<Record<string, Parser>> = {
  json: (bytes) => checkJson(bytes.toString()),
  fields: (bytes) => void parseGoFields(bytes, FIELDS),
  grant: async (bytes) => {
    const grant = await refusing(Grant.parse(bytes.toString()));
    grant?.isAllowed('publish', bytes.toString('latin1', 0, 64), '');
  },
  pattern: async (bytes) => {
    const text = JSON.stringify(bytes.toString());
    const entry = `{"topic":${text},"channels":[".*"],"permissions":["publish"]}`;
    const grant = await refusing(Grant.parse(`{"ttl":1,"authorizations":[${entry}]}`));
    grant?.isAllowed('publish', 'a-topic', '');
  },
  lookupd: (bytes) => {
    const parser = new ReplyParser(BYTES_MAX);
    for (const piece of pieces(bytes)) {
      const replies = parser.push(piece);
      if (replies instanceof Error) return;
      for (const reply of replies) parsePeerInfo(reply);
    }
    parsePeerInfo(bytes);
  },
  query: (bytes) => {
    const raw = bytes.toString('latin1');
    Query.parse(raw)?.get('topic');
    unescapePercent(raw);
  },
  mpub: (bytes) => {
    atOnce(splitLines(bytes, 64));
    atOnce(takeSized(bytes, 64, BYTES_MAX));
  },
  toml: (bytes) => void parseConfigFile(bytes.toString(), OPTION_ROWS),
  snappy: (bytes) => decode(new SnappyDecoder(), bytes),
  deflate: (bytes) => decode(new DeflateDecoder(), bytes),
  'nsqd.dat': readMetadata,
  policy: (bytes) => checkPolicy(parseJson(bytes.toString())),
  'policies.json': readPolicies,
  'policies in TOML': (bytes) => {
    const file = parseConfigFile(bytes.toString(), OPTION_ROWS, ['policy']);
    if (!(file instanceof InvalidValue)) parsePolicyTables(file.others.get('policy'));
  },
  'TLS files': readTls,
  msgpack: decodeMsgpack,
  commands: async (bytes) => {
    // Its guard throws what a guard would end the client for.
    const broker = new BrokerTurns();
    const client = broker.connect();
    for (const piece of pieces(bytes)) {
      client.send(Buffer.from(piece));
      await broker.turns();
    }
  },
};

/** A policy is what it was after it has been written and read again. */
function checkPolicy(given: unknown): void {
  const policy = parsePolicy('p', given);
  if (policy instanceof InvalidValue) return;
  policy.pattern.matches('a-topic', 'a-channel');
  const { name, ...written } = policyJson(policy);
  const again = parsePolicy(name, JSON.parse(JSON.stringify(written)));
  if (
    again instanceof InvalidValue ||
    !isDeepStrictEqual(policyJson(again), { name, ...written })
  ) {
    throw new Error('a policy is another one after it was written');
  }
}

async function readPolicies(bytes: Buffer): Promise<void> {
  await inDirectory(async (dataPath) => {
    mkdirSync(join(dataPath, SIDECAR_DIRECTORY));
    writeFileSync(join(dataPath, SIDECAR_DIRECTORY, POLICIES_FILE), bytes);
    await refusing(policyStoreOf(dataPath).load());
  });
}

/** The bytes in the place of one of the files: which one, their number decides. */
async function readTls(bytes: Buffer): Promise<void> {
  await inDirectory(async (directory) => {
    const good = { 'cert.pem': CERTIFICATE, 'key.pem': KEY, 'ca.pem': CERTIFICATE };
    const options = {
      tlsCert: join(directory, 'cert.pem'),
      tlsKey: join(directory, 'key.pem'),
      tlsRootCaFile: join(directory, 'ca.pem'),
      tlsClientAuthPolicy: 'require-verify',
      tlsMinVersion: 'tls1.2',
    } as const;
    const names = Object.keys(good);
    const damaged = names[bytes.length % names.length];
    for (const [file, text] of Object.entries(good)) {
      writeFileSync(join(directory, file), file === damaged ? bytes : text);
    }
    (await refusing(TlsContext.load(options)))?.forgetKey();
    await refusing(peerTlsOptions(options));
  });
}

/** Only threads of the broker write it: any error is acceptable, but nothing besides the value may change. */
function decodeMsgpack(bytes: Buffer): void {
  try {
    decodeControl(bytes);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof AssertionError) throw error;
  }
  for (const key in {}) throw new Error(`every object has got ${key}`);
}

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-fuzz-'));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The second opinion is Node's own parser, which takes any depth. */
function checkJson(text: string): void {
  let expected: unknown;
  try {
    expected = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const found = parseJson(text);
  const isOfAnyDepth = text.length <= JSON_DEPTH_MAX;
  const isOfOneMind = !isOfAnyDepth || (found === undefined) === (expected === undefined);
  // Comparing recurses.
  const isSame = text.length > COMPARED_LENGTH_MAX || isDeepStrictEqual(found, expected);
  if (!isOfOneMind || !isSame) {
    throw new Error('parseJson and JSON.parse do not agree');
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return;
  const members = jsonMembers(text).map(({ key, source }) => [key, parseJson(source)] as const);
  const last = new Map(members);
  const keys = Object.keys(found);
  if (last.size !== keys.length || !keys.every((key) => last.has(key))) {
    throw new Error('jsonMembers finds other members');
  }
}

async function readMetadata(bytes: Buffer): Promise<void> {
  await inDirectory(async (dataPath) => {
    writeFileSync(join(dataPath, 'nsqd.dat'), bytes);
    const say = (): void => undefined;
    const logger = { info: say, warn: say, error: say };
    const clock = new ManualClock();
    await refusing(new Metadata({ dataPath, source: () => [], clock, logger }).load());
  });
}

function decode(decoder: Decoder, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      decoder.close();
      resolve();
    };
    const waiting = pieces(bytes);
    const next = (): void => {
      const piece = waiting.shift();
      if (piece === undefined) decoder.end();
      else decoder.decode(piece);
    };
    decoder.listen({ onData: () => undefined, onUsed: next, onEnd: done, onError: done });
    next();
  });
}

function pieces(bytes: Buffer): Buffer[] {
  const length = Math.ceil(bytes.length / PIECES) || 1;
  return Array.from({ length: PIECES }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  ).filter((piece) => piece.length > 0);
}

/** Undefined if the input was refused. */
async function refusing<T>(parsing: Promise<T>): Promise<T | undefined> {
  try {
    return await parsing;
  } catch (error) {
    allowRefusal(error);
    return undefined;
  }
}

/** An error class of the runtime, such as a stack overflow, is not a refusal; nor is a bug. */
function allowRefusal(error: unknown): void {
  const isRefusal = error instanceof Error && error.name === 'Error' && !isFromStack(error);
  if (!isRefusal || error instanceof AssertionError) throw error;
}

function isFromStack({ cause }: Error): boolean {
  return cause instanceof RangeError || cause instanceof TypeError;
}
