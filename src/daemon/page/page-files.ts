/**
 * The files of the page: those in `src/ui`, or in `dist/ui` of the package, and two of uPlot's. Each is read at the
 * first request and kept.
 *
 * Bound: the files of this list, about 300 KiB.
 * Thread: main.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Answer, emptyAnswer } from '../http/answer.ts';
import { LIBRARY_FILES } from './page-paths.ts';

/** The page loads, runs and contacts only what the server of the page serves. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = [
  'Content-Security-Policy',
  POLICY,
  'X-Content-Type-Options',
  'nosniff',
  'X-Frame-Options',
  'DENY',
  'Referrer-Policy',
  'no-referrer',
  'Cross-Origin-Opener-Policy',
  'same-origin',
  'Cross-Origin-Resource-Policy',
  'same-origin',
  // A browser asks whether its copy is current.
  'Cache-Control',
  'no-cache',
];

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

type PageFile = { readonly headers: string[]; readonly tag: string; readonly body: string };

export class PageFiles {
  readonly #files = new Map<string, Promise<PageFile>>();
  readonly #complete: (name: string, text: string) => string;

  /** `complete` fills in what differs between programs. */
  constructor(complete: (name: string, text: string) => string = (_, text) => text) {
    this.#complete = complete;
  }

  /** Answers with a file. `knownTag`: the browser's copy. Errors: rejects if the file cannot be read. */
  async answer(name: string, knownTag: string | undefined): Promise<Answer> {
    const file = await this.#get(name);
    if (knownTag === file.tag) return emptyAnswer(304, file.headers);
    return {
      status: 200,
      headers: [...file.headers, 'Content-Length', Buffer.byteLength(file.body).toString()],
      body: file.body,
    };
  }

  #get(name: string): Promise<PageFile> {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const reading = load(name, this.#complete);
    this.#files.set(name, reading);
    // After a failure the next request reads the file again.
    reading.catch(() => this.#files.delete(name));
    return reading;
  }
}

async function load(
  name: string,
  complete: (name: string, text: string) => string,
): Promise<PageFile> {
  const body = complete(name, await readFile(placeOf(name), 'utf8'));
  const { createHash } = process.getBuiltinModule('node:crypto');
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`;
  const type = TYPES[path.extname(name)];
  return { headers: ['Content-Type', type, 'ETag', tag, ...HEADERS], tag, body };
}

/** The location of a file, beside the sources or in the package. */
function placeOf(name: string): string {
  const library = LIBRARY_FILES[name];
  if (library === undefined) return path.join(import.meta.dirname, '../../ui', name);
  const require = createRequire(import.meta.url);
  return path.join(path.dirname(require.resolve('uplot')), library);
}
