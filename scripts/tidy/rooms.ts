/** The one table of permitted imports: the rooms of `src`, and the levels inside them. */

export type Room =
  | 'shared'
  | 'protocol'
  | 'client'
  | 'daemon'
  | 'workers'
  | 'main'
  | 'offline'
  | 'companions'
  | 'ui'
  | 'embedded';

/** The rooms that a room may import from. */
export const OPEN_TO: Readonly<Record<Room, readonly Room[]>> = {
  shared: ['shared'],
  protocol: ['protocol', 'shared'],
  client: ['client', 'protocol', 'shared'],
  daemon: ['daemon', 'shared'],
  workers: ['workers', 'shared'],
  main: ['main', 'daemon', 'protocol', 'shared'],
  offline: ['offline', 'main', 'workers', 'daemon', 'shared'],
  companions: ['companions', 'offline', 'client', 'daemon', 'protocol', 'shared'],
  // It runs in a browser, which sees only the broker's HTTP answers.
  ui: ['ui'],
  embedded: ['embedded', 'main', 'workers', 'client', 'daemon', 'protocol', 'shared'],
};

/**
 * The folders and files of a folder, lowest first. Those that are not named are above all that are; an import points to
 * the same level or to a lower one.
 */
const LEVELS: Readonly<Record<string, readonly string[]>> = {
  'src/main': [
    'options',
    'policies',
    'pumps',
    'limits',
    'stats',
    'topics',
    'storage',
    'auth',
    'access',
    'peers',
    'tcp',
    'http',
    'local',
    'frontends.ts',
    'node-view.ts',
    'reload.ts',
    'security-files.ts',
    'nsqd.ts',
    'config-report.ts',
    'program.ts',
  ],
  'src/workers': [
    'disk-records.ts',
    'stream-records.ts',
    'record-filter.ts',
    'run-loop.ts',
    'loop-runner.ts',
    'disk',
    'streams',
    'pump',
  ],
  'src/workers/streams': [
    'stream-store.ts',
    'stream-link.ts',
    'stream-appends.ts',
    'stream-queue.ts',
    'count-poller.ts',
    'stall-watch.ts',
    'stream-pauses.ts',
    'stream-loop.ts',
    'stream-wiring.ts',
    'nats',
  ],
  'src/workers/disk': [
    'files',
    'queue-context.ts',
    'records',
    'checksums',
    'states',
    'unacked',
    'segments',
    'metadata',
    'journal',
  ],
  'src/workers/pump': ['store', 'backend'],
};

export function roomOf(file: string): Room | undefined {
  const name = /^src\/([^/]+)\//.exec(file)?.[1];
  return name !== undefined && Object.hasOwn(OPEN_TO, name) ? (name as Room) : undefined;
}

/** Whether two files share a folder that has levels. */
export function isInside(file: string, other: string): boolean {
  return commonFolder(file, other) !== undefined;
}

/** The level of a file in the deepest folder with levels that it shares with the other. */
export function levelOf(file: string, other: string): { rank: number; name: string } | undefined {
  const folder = commonFolder(file, other);
  if (folder === undefined) return undefined;
  const [entry] = file.slice(folder.length + 1).split('/');
  const rank = LEVELS[folder].indexOf(entry);
  return rank === -1 ? { rank: LEVELS[folder].length, name: folder } : { rank, name: entry };
}

function commonFolder(file: string, other: string): string | undefined {
  const shared = Object.keys(LEVELS).filter((folder) =>
    [file, other].every((name) => name.startsWith(`${folder}/`)),
  );
  return shared.sort((a, b) => b.length - a.length)[0];
}
