/**
 * Options at run time, for clients in an address range: all can be read by their keys in the configuration file, and
 * two can be set.
 *
 * Thread: main.
 * Source: nsqadmin's `doConfig`.
 */

import { BlockList, isIP, isIPv6 } from 'node:net';
import { parseJson } from '../../daemon/go/json.ts';
import { type Answer, jsonAnswer, textAnswer } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import type { Route } from '../../daemon/http/router.ts';
import { type LogLevel, parseLogLevel } from '../../daemon/log.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { ADMIN_OPTION_ROWS } from './admin-options.ts';
import {
  FORBIDDEN,
  INVALID_OPTION,
  INVALID_REMOTE_ADDR,
  INVALID_VALUE,
  VALUE_OUT_OF_BOUNDS,
} from './admin-refusals.ts';

/** Addresses of clients. */
export type AddressRange = { readonly has: (host: string) => boolean };

type Setup = {
  /** Null for every client. */
  readonly allowed: AddressRange | null;
  /** The option's value, by its name. */
  readonly current: (name: string) => unknown;
  readonly setLookupdAddresses: (addresses: readonly string[] | null) => void;
  readonly setLogLevel: (level: LogLevel) => void;
};

const VALUE_BYTES_MAX = 1024 * 1024;

/** The endpoints. */
export function configRoutes(setup: Setup): Route[] {
  const route = (method: 'GET' | 'PUT', handle: (exchange: Exchange) => void): Route => {
    return {
      method,
      path: '/config/:option',
      isQuiet: false,
      handle: (exchange) => {
        const refused = refusalOf(setup.allowed, exchange.remoteHost);
        if (refused === undefined) handle(exchange);
        else exchange.answer(refused);
      },
    };
  };
  return [
    route('GET', (exchange) => exchange.answer(show(setup, exchange.param))),
    route('PUT', (exchange) => {
      exchange.gather(0, VALUE_BYTES_MAX, ({ bytes, isWhole }) => {
        if (!isWhole || bytes.length === 0) return exchange.answer(VALUE_OUT_OF_BOUNDS);
        const wrong = set(setup, exchange.param, bytes.toString());
        exchange.answer(wrong ?? show(setup, exchange.param));
      });
    }),
  ];
}

/** A range as `<address>/<bits>`. Errors: says what is wrong. */
export function parseAddressRange(text: string): AddressRange | InvalidValue {
  const [address, bits, ...others] = text.split('/');
  const family = isIP(address) === 0 ? undefined : isIPv6(address) ? 'ipv6' : 'ipv4';
  const bitsMax = family === 'ipv6' ? 128 : 32;
  const isValid =
    family !== undefined &&
    others.length === 0 &&
    /^\d{1,3}$/.test(bits ?? '') &&
    Number(bits) <= bitsMax;
  if (!isValid) return new InvalidValue(`invalid CIDR address: ${text}`);
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return { has: (host) => list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4') };
}

function refusalOf(allowed: AddressRange | null, host: string): Answer | undefined {
  if (allowed === null) return undefined;
  if (isIP(host) === 0) return INVALID_REMOTE_ADDR;
  return allowed.has(host) ? undefined : FORBIDDEN;
}

/** Strings as they are, everything else as JSON. */
function show({ current }: Setup, key: string): Answer {
  for (const [name, row] of ADMIN_OPTION_ROWS) {
    if (row.key !== key) continue;
    const value = current(name);
    // A list that was set to null.
    if (value === null) return jsonAnswer(null);
    const shown = row.kind.show(value);
    return typeof shown === 'string' ? textAnswer(shown) : jsonAnswer(shown);
  }
  return INVALID_OPTION;
}

/** Sets an option. Errors: returns what is wrong; then nothing has changed. */
function set(setup: Setup, key: string, text: string): Answer | undefined {
  switch (key) {
    case 'nsqlookupd_http_addresses': {
      const addresses = parseJson(text);
      if (addresses !== null && !isList(addresses)) return INVALID_VALUE;
      setup.setLookupdAddresses(addresses);
      return undefined;
    }
    case 'log_level': {
      const level = parseLogLevel(text);
      if (level === undefined) return INVALID_VALUE;
      setup.setLogLevel(level);
      return undefined;
    }
    default:
      return INVALID_OPTION;
  }
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '');
}
