/**
 * What a browser gets at the paths of nsqadmin's page: a page without scripts that leads to the API.
 *
 * Thread: main.
 */

import { htmlAnswer, plainAnswer } from '../../daemon/http/answer.ts';
import type { Route } from '../../daemon/http/router.ts';
import { productLine } from '../../daemon/version.ts';

const PATHS = [
  '/',
  '/topics',
  '/topics/:topic',
  '/topics/:topic/:channel',
  '/nodes',
  '/nodes/:node',
  '/counter',
  '/lookup',
];
/** Paths of the API that need no name, and what each shows. */
const LINKS = [
  ['/api/topics', 'topics'],
  ['/api/topics?inactive=true', 'topics without a broker'],
  ['/api/nodes', 'brokers'],
  ['/api/counter', 'messages of all channels'],
  ['/metrics', 'metrics of this program'],
] as const;
const HEADERS = [
  'Content-Security-Policy',
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options',
  'nosniff',
  'X-Frame-Options',
  'DENY',
  'Referrer-Policy',
  'no-referrer',
];
const NOT_FOUND = plainAnswer(404, 'NOT_FOUND');

/** The endpoints. Shape: `basePath` begins with a slash and does not end with one, unless it is `/`. */
export function pageRoutes(basePath: string): Route[] {
  const get = (path: string, handle: Route['handle']): Route => {
    return { method: 'GET', path, isQuiet: false, handle };
  };
  const page = htmlAnswer(200, HEADERS, pageText(basePath === '/' ? '' : basePath));
  return [
    ...PATHS.map((path) => get(path, (exchange) => exchange.answer(page))),
    get('/static/:asset', (exchange) => exchange.answer(NOT_FOUND)),
    get('/fonts/:asset', (exchange) => exchange.answer(NOT_FOUND)),
  ];
}

function pageText(base: string): string {
  const links = LINKS.map(([path, what]) => {
    return `<li><a href="${encodeURI(base)}${path}">${path}</a> ${what}</li>`;
  });
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>RingMQ admin</title></head>
<body><h1>${productLine()}</h1><ul>
${links.join('\n')}
</ul></body>
</html>
`;
}
