/**
 * The prefix of all names at statsd.
 *
 * Thread: any (pure). Source: nsqd's `New`, `statsd.HostKey`.
 */

import { joinHostPort } from '../../../daemon/host-port.ts';

/**
 * The option `--statsd-prefix` with each `%s` replaced by this broker's host and port, dots and colons in them
 * turned into underscores. It ends with a dot, unless it is empty.
 */
export function statsdPrefix(prefix: string, host: string, httpPort: number): string {
  if (prefix === '') return '';
  const key = joinHostPort(host, httpPort).replaceAll(/[.:]/g, '_');
  // A function, because a replacement text would be searched for patterns such as `$&`.
  const complete = prefix.replaceAll('%s', () => key);
  return complete.endsWith('.') ? complete : `${complete}.`;
}
