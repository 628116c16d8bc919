/**
 * Finds the endpoint of a request, or the answer if there is none.
 *
 * Thread: main.
 * Source: httprouter 1.3 as nsqd configures it: 405 with `Allow`, answers to OPTIONS, and redirects of paths
 * that differ from a known one by a slash at the end, by case, or by `//`, `.` and `..`.
 */

import type { Exchange } from './exchange.ts';

/** One endpoint. Shape: `path` may end in one `:name`, which matches any characters except `/`. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** Whether requests are not logged, as for publishes, which are too frequent. */
  readonly isQuiet: boolean;
  /** Answers, now or later. An exception is answered with 500. */
  readonly handle: (exchange: Exchange) => void;
};

/** The endpoint of a request. Shape: `param` is the value of the path's `:name`, or empty. */
export type Match = { readonly route: Route; readonly param: string };

/** The reason why a request has no endpoint. */
export type Miss =
  | { readonly kind: 'redirect'; readonly status: 301 | 307; readonly path: string }
  | { readonly kind: 'options' | 'wrong method'; readonly allow: string }
  | { readonly kind: 'not found' };

const PARAM_MARK = ':';

export class Router {
  /** Routes without a param: by path, then by method. */
  readonly #fixed = new Map<string, Map<string, Match>>();
  /** Routes with a param: by the path in front of it, then by method. */
  readonly #open = new Map<string, Map<string, Route>>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route);
  }

  /** The endpoint for exactly this unescaped path. */
  find(method: string, path: string): Match | undefined {
    const fixed = this.#fixed.get(path);
    if (fixed !== undefined) return fixed.get(method);
    for (const [prefix, routes] of this.#open) {
      if (!path.startsWith(prefix) || !isParam(path.slice(prefix.length))) continue;
      const route = routes.get(method);
      return route === undefined ? undefined : { route, param: path.slice(prefix.length) };
    }
    return undefined;
  }

  /** The reason why `find` found nothing. */
  miss(method: string, path: string): Miss {
    const nearby = path === '/' ? undefined : this.#nearby(method, path);
    if (nearby !== undefined) {
      return { kind: 'redirect', status: method === 'GET' ? 301 : 307, path: nearby };
    }
    const allow = this.#allow(path);
    if (allow === undefined) return { kind: 'not found' };
    return { kind: method === 'OPTIONS' ? 'options' : 'wrong method', allow };
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
    for (const [prefix, routes] of this.#open) {
      if (!lower.startsWith(prefix) || !routes.has(method)) continue;
      const param = path.slice(prefix.length);
      if (isParam(param)) return prefix + param;
    }
    return undefined;
  }

  /** The methods of this path, sorted; undefined for an unknown path. */
  #allow(path: string): string | undefined {
    const methods = [...(this.#fixed.get(path)?.keys() ?? [])];
    for (const [prefix, routes] of this.#open) {
      if (path.startsWith(prefix) && isParam(path.slice(prefix.length)))
        methods.push(...routes.keys());
    }
    return methods.length === 0 ? undefined : [...methods, 'OPTIONS'].sort().join(', ');
  }

  #add(route: Route): void {
    const mark = route.path.indexOf(PARAM_MARK);
    if (mark === -1) {
      byMethod(this.#fixed, route.path).set(route.method, { route, param: '' });
    } else {
      byMethod(this.#open, route.path.slice(0, mark)).set(route.method, route);
    }
  }
}

function byMethod<T>(routes: Map<string, Map<string, T>>, path: string): Map<string, T> {
  const known = routes.get(path) ?? new Map<string, T>();
  routes.set(path, known);
  return known;
}

function isParam(word: string): boolean {
  return word !== '' && !word.includes('/');
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
