/**
 * Options at run time. All can be read by their keys of the configuration file, and two can be set.
 *
 * Bound: a value of 64 KiB, a list of 128 addresses; larger ones are refused.
 *
 * Thread: main.
 * Source: nsqd `doConfig`. Differs in the bounds, in refusing addresses that cannot be one, and in showing a list that
 * was set to `null` as `[]`.
 */

import { parseJson } from '../../daemon/go/json.ts';
import { routesFor } from '../../daemon/http/access.ts';
import { type Answer, jsonAnswer, plainJsonAnswer, textAnswer } from '../../daemon/http/answer.ts';
import type { Route } from '../../daemon/http/router.ts';
import { parseLogLevel } from '../../daemon/log.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { parsePeerAddress } from '../../daemon/peer-address.ts';
import { configValue } from '../options/config-values.ts';
import type { HttpBroker, ReloadReport } from '../topics/broker.ts';
import { INVALID_OPTION, INVALID_VALUE, VALUE_OUT_OF_BOUNDS } from './refusals.ts';

type Setup = { readonly broker: HttpBroker };

const DRAIN_PATH = '/config/drain';
/** Accepts `true`, or nothing. */
const DRAIN_BYTES_MAX = 16;
/** Most bytes of a value. */
const VALUE_BYTES_MAX = 64 * 1024;
/** Most nsqlookupds that can be set at run time: the broker keeps a connection to each. */
const ADDRESSES_MAX = 128;
/** Longest text of the addresses: as many names and ports as there may be addresses. */
const ADDRESSES_LENGTH_MAX = 64 * 1024;

/** The endpoints under `/config`. */
export function configRoutes({ broker }: Setup): Route[] {
  return routesFor(broker.options.configHttp, [
    {
      method: 'GET',
      path: DRAIN_PATH,
      isQuiet: false,
      handle: (exchange) => exchange.answer(jsonAnswer(broker.drainProgress() !== null)),
    },
    {
      method: 'PUT',
      path: DRAIN_PATH,
      isQuiet: false,
      handle: (exchange) => {
        exchange.gather(0, DRAIN_BYTES_MAX, ({ bytes, isWhole }) => {
          const text = bytes.toString();
          // A drain cannot be undone: publishers and nsqlookupds already know about it.
          if (!isWhole || (text !== '' && text !== 'true')) return exchange.answer(INVALID_VALUE);
          broker.beginDrain();
          exchange.answer(jsonAnswer(true));
        });
      },
    },
    {
      method: 'PUT',
      path: '/config/reload',
      isQuiet: false,
      handle: (exchange) => exchange.answerWith(broker.reload().then(reloadAnswer)),
    },
    {
      method: 'GET',
      path: '/config/:option',
      isQuiet: false,
      handle: (exchange) => exchange.answer(show(broker, exchange.param)),
    },
    {
      method: 'PUT',
      path: '/config/:option',
      isQuiet: false,
      handle: (exchange) => {
        const bytesMax = Math.min(broker.options.maxMsgSize, VALUE_BYTES_MAX);
        exchange.gather(0, bytesMax, ({ bytes, isWhole }) => {
          if (!isWhole || bytes.length === 0) return exchange.answer(VALUE_OUT_OF_BOUNDS);
          const wrong = set(broker, exchange.param, bytes.toString());
          exchange.answer(wrong ?? show(broker, exchange.param));
        });
      },
    },
  ]);
}

/** 400 if any of the values is wrong. */
function reloadAnswer(report: ReloadReport): Answer {
  return plainJsonAnswer(report.failed.length === 0 ? 200 : 400, report);
}

/** The value of an option: a string as it is, anything else as JSON. */
function show(broker: HttpBroker, key: string): Answer {
  const value = configValue(broker.optionsInForce(), key);
  if (value === undefined) return INVALID_OPTION;
  return typeof value === 'string' ? textAnswer(value) : jsonAnswer(value);
}

/** Sets an option. Errors: returns what is wrong, and changes nothing. */
function set(broker: HttpBroker, key: string, text: string): Answer | undefined {
  switch (key) {
    case 'nsqlookupd_tcp_addresses': {
      const addresses = parseAddresses(text);
      if (addresses === undefined) return INVALID_VALUE;
      broker.setLookupdAddresses(addresses);
      return undefined;
    }
    case 'log_level': {
      const level = parseLogLevel(text);
      if (level === undefined) return INVALID_VALUE;
      broker.setLogLevel(level);
      return undefined;
    }
    default:
      return INVALID_OPTION;
  }
}

/** Parses a JSON list of addresses that can be one. As in Go, null is an empty list. */
function parseAddresses(text: string): string[] | undefined {
  if (text.length > ADDRESSES_LENGTH_MAX) return undefined;
  const value = parseJson(text);
  if (value === null) return [];
  if (!Array.isArray(value) || value.length > ADDRESSES_MAX) return undefined;
  const addresses: string[] = [];
  for (const element of value as unknown[]) {
    if (typeof element !== 'string') return undefined;
    if (parsePeerAddress(element) instanceof InvalidValue) return undefined;
    addresses.push(element);
  }
  return addresses;
}
