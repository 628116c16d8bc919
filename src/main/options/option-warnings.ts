/**
 * Finds values that cannot work but with which the broker starts, as nsqd does.
 *
 * Thread: any.
 */

import { isIPv6 } from 'node:net';
import { hideCredentials } from '../../daemon/credentials.ts';
import { isHostName, joinHostPort } from '../../daemon/host-port.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { choiceHint } from '../../daemon/options/nearest-word.ts';
import { parsePeerAddress } from '../../daemon/peer-address.ts';
import { type Options, TOPOLOGY_EXPERIMENT } from './options.ts';

const LOOKUPD_PORT = 4160;
const STATSD_PORT = 8125;
const AUTH_PORT = 4181;
const EXPERIMENTS = [TOPOLOGY_EXPERIMENT];

/** One sentence for each such value. `hostname`: this machine's, for examples. */
export function optionWarnings(options: Options, hostname: string): string[] {
  const { lookupdTcpAddress, statsdAddress, authHttpAddress } = options;
  return [
    ...lookupdTcpAddress.flatMap((given) =>
      peerWarning('lookupd-tcp-address', given, LOOKUPD_PORT),
    ),
    ...(statsdAddress === '' ? [] : peerWarning('statsd-address', statsdAddress, STATSD_PORT)),
    ...authHttpAddress.flatMap(authWarning),
    ...broadcastWarning(options.broadcastAddress, hostname),
    ...options.enableExperiment.flatMap(experimentWarning),
  ];
}

function peerWarning(flag: string, given: string, examplePort: number): string[] {
  const parsed = parsePeerAddress(given);
  if (!(parsed instanceof InvalidValue)) return [];
  const example = joinHostPort(exampleHost(given), examplePort);
  return [`--${flag} ${JSON.stringify(given)} ${parsed.why}; write for example ${example}`];
}

/** An address that may lack its port. */
function exampleHost(given: string): string {
  return /^[\w.-]*[A-Za-z.][\w.-]*$/.test(given) ? given : '127.0.0.1';
}

function authWarning(given: string): string[] {
  if (!given.includes('://')) {
    // A user name and password may precede it.
    return peerWarning('auth-http-address', given.slice(given.lastIndexOf('@') + 1), AUTH_PORT);
  }
  if (URL.canParse(given) && /^https?:/i.test(given)) return [];
  const example = `http://127.0.0.1:${AUTH_PORT}/auth`;
  return [
    `--auth-http-address ${JSON.stringify(hideCredentials(given))} is not an HTTP URL; write for example ${example}`,
  ];
}

/** The caller appends a port. */
function broadcastWarning(given: string, hostname: string): string[] {
  const quoted = JSON.stringify(given);
  if (isIPv6(given) || isHostName(given)) return [];
  if (!/^\[|^[^:]*:\d*$/.test(given)) {
    return [
      `--broadcast-address ${quoted} is not a host: consumers cannot reach it; write for example ${hostname}`,
    ];
  }
  return [
    `--broadcast-address ${quoted} must be a host alone, without a port and without brackets`,
  ];
}

function experimentWarning(name: string): string[] {
  if (EXPERIMENTS.includes(name)) return [];
  const hint = choiceHint(name, EXPERIMENTS) || `; there is ${EXPERIMENTS.join(', ')}`;
  return [
    `--enable-experiment ${JSON.stringify(name)} has no effect: no experiment has this name${hint}`,
  ];
}
