/**
 * nsqlookupd options of producers and consumers.
 *
 * Thread: any.
 */

import { invalid, type OptionChecks } from './option-checks.ts';

/**
 * Options for discovery with nsqlookupd.
 *
 * @example
 * ```ts
 * import { Consumer, type LookupdOptions } from 'ringmq/client';
 *
 * const found: LookupdOptions = {
 *   lookupd: ['http://lookup-1:4161', 'http://lookup-2:4161'],
 *   lookupdPollIntervalMs: 30_000,
 * };
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', ...found });
 * await consumer.close();
 * ```
 */
export type LookupdOptions = {
  /** `http://host:4161`, `https://…` or `host:4161`; a path other than `/` is kept. All of them are queried. */
  readonly lookupd?: readonly string[] | undefined;
  /** How often they are queried. Default: 60,000. Units: ms. */
  readonly lookupdPollIntervalMs?: number | undefined;
  /** The random share of the interval, 0 to 1. Default: 0.3. */
  readonly lookupdPollJitter?: number | undefined;
  /** The timeout of a query. Default: 10,000. Units: ms. */
  readonly lookupdTimeoutMs?: number | undefined;
  /** Whether queries carry `authSecret` as `Authorization: Bearer …`. Default: false. */
  readonly lookupdAuthorization?: boolean | undefined;
};

/** Names of these options. */
export const LOOKUPD_OPTION_NAMES: readonly (keyof LookupdOptions)[] = [
  'lookupd',
  'lookupdPollIntervalMs',
  'lookupdPollJitter',
  'lookupdTimeoutMs',
  'lookupdAuthorization',
];

/** The same options, validated and complete. */
export type LookupdSettings = {
  readonly urls: readonly URL[];
  readonly pollIntervalMs: number;
  readonly pollJitter: number;
  readonly timeoutMs: number;
  /** The `Authorization` header; null for none. */
  readonly authorization: string | null;
};

const HOUR_MS = 3_600_000;

/** Validates the options; null without nsqlookupd. Errors: throws an NsqError, INVALID_OPTION. */
export function lookupdSettings(checks: OptionChecks): LookupdSettings | null {
  const urls = checks.texts('lookupd').map(parseUrl);
  const secret = checks.optionalText('authSecret');
  const isAuthorized = checks.boolean('lookupdAuthorization', false);
  const settings: LookupdSettings = {
    urls,
    pollIntervalMs: checks.integer('lookupdPollIntervalMs', 60_000, 10, HOUR_MS),
    pollJitter: checks.number('lookupdPollJitter', 0.3, 0, 1),
    timeoutMs: checks.integer('lookupdTimeoutMs', 10_000, 1, HOUR_MS),
    authorization: isAuthorized && secret !== undefined ? `Bearer ${secret}` : null,
  };
  return urls.length === 0 ? null : settings;
}

function parseUrl(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid('lookupd', `"${text}" is neither an http URL nor host:port`);
  }
  return url;
}
