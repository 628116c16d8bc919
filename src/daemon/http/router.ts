/**
 * Finds the endpoint of a request, or the answer if there is none.
 *
 * Thread: main.
 * Source: httprouter 1.3 as nsqd configures it: 405 with `Allow`, answers to OPTIONS, and redirects of paths
 * that differ from a known one by a slash at the end, by case, or by `//`, `.` and `..`.
 */

import type { Exchange } from './exchange.ts';

/** One endpoint. Shape: `path` may end in `:name`s with slashes between; each matches any characters except `/`. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** Whether requests are not logged, as for publishes, which are too frequent. */
  readonly isQuiet: boolean;
  /** Answers, now or later. An exception is answered with 500. */
  readonly handle: (exchange: Exchange) => void;
};

/** The endpoint of a request. Shape: `param` is the value of the path's `:name`s, with their slashes, or empty. */
export type Match = { readonly route: Route; readonly param: string };

/** The reason why a request has no endpoint. */
export type Miss =
  | { readonly kind: 'redirect'; readonly status: 301 | 307; readonly path: string }
  | { readonly kind: 'options' | 'wrong method'; readonly allow: string }
  | { readonly kind: 'not found' };

const PARAM_MARK = ':';

/** Paths that begin with this and have this many params. */
type OpenPaths = {
  readonly prefix: string;
  readonly paramCount: number;
  readonly routes: Map<string, Route>;
};

export class Router {
  /** Routes without a param: by path, then by method. */
  readonly #fixed = new Map<string, Map<string, Match>>();
  readonly #open: OpenPaths[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route);
  }

  /** The endpoint for exactly this unescaped path. */
  find(method: string, path: string): Match | undefined {
    const fixed = this.#fixed.get(path);
    if (fixed !== undefined) return fixed.get(method);
    const open = this.#openAt(path);
    const route = open?.routes.get(method);
    if (open === undefined || route === undefined) return undefined;
    return { route, param: path.slice(open.prefix.length) };
  }

  /** The reason why `find` found nothing. */
  miss(method: string, path: string): Miss {
    const nearby = path === '/' ? undefined : this.#nearby(method, path);
    if (nearby !== undefined) {
      return { kind: 'redirect', status: method === 'GET' ? 301 : 307, path: nearby };
    }
    const allow = this.allow(path);
    if (allow === undefined) return { kind: 'not found' };
    return { kind: method === 'OPTIONS' ? 'options' : 'wrong method', allow };
  }

  /** The methods of all paths, sorted. */
  get methods(): string {
    const methods = new Set(['OPTIONS']);
    for (const routes of this.#fixed.values())
      for (const method of routes.keys()) methods.add(method);
    for (const { routes } of this.#open) for (const method of routes.keys()) methods.add(method);
    return [...methods].sort().join(', ');
  }

  /** A known path that the client probably meant. */
  #nearby(method: string, path: string): string | undefined {
    const toggled = toggleSlash(path);
    if (this.find(method, toggled) !== undefined) return toggled;
    const clean = cleanPath(path);
    return this.#findAnyCase(method, clean) ?? this.#findAnyCase(method, toggleSlash(clean));
  }

  /** The path of an endpoint in its own case; a param keeps its case. */
  #findAnyCase(method: string, path: string): string | undefined {
    const lower = path.toLowerCase();
    if (this.#fixed.get(lower)?.has(method) === true) return lower;
    const open = this.#openAt(lower);
    if (open === undefined || !open.routes.has(method)) return undefined;
    return open.prefix + path.slice(open.prefix.length);
  }

  /** The methods of this path, sorted; undefined for an unknown path. */
  allow(path: string): string | undefined {
    const methods = [...(this.#fixed.get(path)?.keys() ?? [])];
    methods.push(...(this.#openAt(path)?.routes.keys() ?? []));
    return methods.length === 0 ? undefined : [...methods, 'OPTIONS'].sort().join(', ');
  }

  #add(route: Route): void {
    const mark = route.path.indexOf(PARAM_MARK);
    if (mark === -1) {
      byMethod(this.#fixed, route.path).set(route.method, { route, param: '' });
      return;
    }
    const prefix = route.path.slice(0, mark);
    const paramCount = route.path.slice(mark).split('/').length;
    let open = this.#open.find((one) => one.prefix === prefix && one.paramCount === paramCount);
    if (open === undefined) {
      open = { prefix, paramCount, routes: new Map() };
      this.#open.push(open);
    }
    open.routes.set(route.method, route);
  }

  #openAt(path: string): OpenPaths | undefined {
    return this.#open.find(({ prefix, paramCount }) => {
      return path.startsWith(prefix) && hasParams(path.slice(prefix.length), paramCount);
    });
  }
}

function byMethod<T>(routes: Map<string, Map<string, T>>, path: string): Map<string, T> {
  const known = routes.get(path) ?? new Map<string, T>();
  routes.set(path, known);
  return known;
}

function hasParams(text: string, count: number): boolean {
  const words = text.split('/');
  return words.length === count && !words.includes('');
}

function toggleSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
}

/** The path without empty, `.` and `..` parts; a trailing slash stays. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const hasSlash = parts.length > 0 && (path.endsWith('/') || path.endsWith('/.'));
  return `/${parts.join('/')}${hasSlash ? '/' : ''}`;
}
