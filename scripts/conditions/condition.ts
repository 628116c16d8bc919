/** The conditions under which the tests are run, separately or several together. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The user that runs the tests if the caller is root: by convention `nobody`. */
const ORDINARY_USER = 65534;
/** The default ports of nsqd's programs, and those between them. */
const BUSY_PORTS = ['4150', '4171'] as const;
const HOLD_PORTS = fileURLToPath(new URL('hold-ports.ts', import.meta.url));

/** The changes that a condition makes to a run. */
export type Condition = {
  readonly name: string;
  /** One sentence for `--help`. */
  readonly what: string;
  /** The folder of the checkout, below a private directory. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that establishes the condition and then runs the command that follows it. */
  readonly wrapper?: readonly string[];
  /** The user who owns the checkout. */
  readonly owner?: number;
};

const isRoot = process.getuid?.() === 0;

/** In the order in which their wrappers precede a command: those that need privileges come first. */
export const CONDITIONS: readonly Condition[] = [
  { name: 'private', what: 'the current user, in a directory that nobody else can enter' },
  {
    name: 'no-ipv6',
    what: 'a network namespace without IPv6',
    wrapper: [
      ...['unshare', '--net', ...(isRoot ? [] : ['--map-root-user'])],
      ...inShell(
        'ip link set lo up',
        ...['all', 'default', 'lo'].map(
          (name) => `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`,
        ),
      ),
      // A user that had to become root of a namespace for this becomes an ordinary user again.
      ...(isRoot
        ? []
        : ['unshare', `--map-user=${process.getuid?.()}`, `--map-group=${process.getgid?.()}`]),
    ],
  },
  {
    name: 'ports',
    what: `ports ${BUSY_PORTS.join(' to ')} are in use`,
    wrapper: [process.execPath, HOLD_PORTS, ...BUSY_PORTS],
  },
  {
    name: 'user',
    what: 'an ordinary user',
    ...(isRoot && {
      owner: ORDINARY_USER,
      wrapper: [
        ...['setpriv', `--reuid=${ORDINARY_USER}`, `--regid=${ORDINARY_USER}`],
        ...['--clear-groups', '--inh-caps=-all', '--bounding-set=-all'],
      ],
    }),
  },
  { name: 'umask', what: 'umask 077', wrapper: inShell('umask 077') },
  { name: 'path', what: 'a path with a space and an umlaut', folder: 'Schöne Grüße aus Köln' },
  {
    name: 'zone',
    what: 'another time zone and locale',
    env: { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
  },
];

/** Combines conditions. The last one that names a folder or an owner counts. */
export function together(conditions: readonly Condition[]): Condition {
  return {
    name: conditions.map(({ name }) => name).join('+'),
    what: conditions.map(({ what }) => what).join(', '),
    ...conditions.reduce<Partial<Condition>>(
      (sum, { folder = sum.folder, owner = sum.owner, env, wrapper = [] }) => ({
        ...(folder !== undefined && { folder }),
        ...(owner !== undefined && { owner }),
        env: { ...sum.env, ...env },
        wrapper: [...(sum.wrapper ?? []), ...wrapper],
      }),
      {},
    ),
  };
}

/** Why this machine, or this user, cannot establish a condition; undefined if it can. */
export function obstacleTo({ wrapper }: Condition): string | undefined {
  if (process.platform === 'win32') return 'there is no POSIX shell';
  if (wrapper === undefined) return undefined;
  const [program = '', ...words] = [...wrapper, 'true'];
  const { error, status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.trim() || `${program} ended with ${status}`;
}

function inShell(...commands: readonly string[]): string[] {
  return ['sh', '-c', [...commands, 'exec "$@"'].join(' && '), 'sh'];
}
