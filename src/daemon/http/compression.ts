/**
 * Compresses answers for clients that accept it.
 *
 * Thread: main.
 * Source: nsq `http_api.CompressHandler`. Differs in that an empty answer stays empty.
 */

import { promisify } from 'node:util';
import { atFirstUse } from '../../shared/first-use.ts';
import type { Answer } from './answer.ts';

const encoders = atFirstUse(() => {
  const { gzip, deflateRaw } = process.getBuiltinModule('node:zlib');
  return { gzip: promisify(gzip), deflate: promisify(deflateRaw) } as const;
});

/** Go sends no content type for a compressed text. */
const PLAIN_TEXT = 'text/plain';

/** The answer in the first supported encoding that the client names; unchanged without one. */
export function compressed(answer: Answer, acceptEncoding: string): Answer | Promise<Answer> {
  const names = acceptEncoding.split(',').map((name) => name.trim());
  const encoding = names.find((name) => name === 'gzip' || name === 'deflate');
  if (encoding === undefined || answer.body.length === 0) return answer;
  return pack(answer, encoding);
}

async function pack(answer: Answer, encoding: keyof ReturnType<typeof encoders>): Promise<Answer> {
  const body = await encoders()[encoding](answer.body);
  const headers = ['Content-Encoding', encoding, 'Vary', 'Accept-Encoding'];
  for (let at = 0; at < answer.headers.length; at += 2) {
    const [name, value] = answer.headers.slice(at, at + 2);
    const isDropped =
      name === 'Content-Length' || (name === 'Content-Type' && value.startsWith(PLAIN_TEXT));
    if (!isDropped) headers.push(name, value);
  }
  return { ...answer, headers: [...headers, 'Content-Length', body.length.toString()], body };
}
