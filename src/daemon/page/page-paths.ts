/**
 * The paths of the page, and the files behind them.
 *
 * Thread: any.
 */

/** The page's own files. */
const OWN_FILES = [
  'index.html',
  'page.css',
  'icon.svg',
  'app.js',
  'chart.js',
  'dialogs.js',
  'dom.js',
  'format.js',
  'many-messages.js',
  'merge.js',
  'message-body.js',
  'message-browser.js',
  'message-dialog.js',
  'messages.js',
  'nodes.js',
  'parts.js',
  'queue-head.js',
  'roles.js',
  'shell.js',
  'table.js',
  'view-channel.js',
  'view-channels.js',
  'view-log.js',
  'view-node.js',
  'view-policies.js',
  'view-topic.js',
  'view-topics.js',
] as const;

/** Files of the charting library, by the names that the page uses. */
export const LIBRARY_FILES: Readonly<Record<string, string>> = {
  'uplot.js': 'uPlot.esm.js',
  'uplot.css': 'uPlot.min.css',
};

/** The names of all files. */
export const FILE_NAMES: readonly string[] = [...OWN_FILES, ...Object.keys(LIBRARY_FILES)];

/** The stream of events. Other sites are refused, because the number of viewers is limited. */
export const EVENTS_PATH = '/ui/events';
/** The page itself. */
export const HOME_PATH = '/ui/';
/** The last hour of a topic, a channel or the broker. */
export const HISTORY_PATH = '/ui/history';
/** The brokers that the page shows. */
export const NODES_PATH = '/ui/nodes';

/** All paths. */
export const PAGE_PATHS: readonly string[] = [
  HOME_PATH,
  EVENTS_PATH,
  HISTORY_PATH,
  NODES_PATH,
  ...FILE_NAMES.map((name) => `/ui/${name}`),
];
