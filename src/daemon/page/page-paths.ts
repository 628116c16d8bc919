/**
 * The paths of the page, and the files behind them.
 *
 * Thread: any.
 */

/** Files that the pages of one broker and of many brokers share. */
const SHARED_FILES = [
  'page.css',
  'icon.svg',
  'chart.js',
  'consumers-panel.js',
  'dialogs.js',
  'dom.js',
  'format.js',
  'nodes.js',
  'merge.js',
  'parts.js',
  'queue-head.js',
  'roles.js',
  'shell.js',
  'start.js',
  'topics.js',
  'table.js',
  'view-channel.js',
  'view-channels.js',
  'view-topic.js',
] as const;
/** Files of the page of one broker. */
const BROKER_FILES = [
  'index.html',
  'app.js',
  'many-messages.js',
  'message-body.js',
  'message-browser.js',
  'message-dialog.js',
  'messages.js',
  'view-log.js',
  'view-node.js',
  'view-policies.js',
  'view-topics.js',
] as const;
/** Files of the page of many brokers; `FLEET_HOME` is its document. */
const FLEET_FILES = [
  'bulk.js',
  'fleet.js',
  'fleet-target.js',
  'graph-links.js',
  'node-table.js',
  'selection.js',
  'view-counter.js',
  'view-fleet-node.js',
  'view-fleet-node-queues.js',
  'view-fleet-topics.js',
  'view-lookup.js',
  'view-nodes.js',
] as const;

/** Files of the charting library, by the names that the page uses. */
export const LIBRARY_FILES: Readonly<Record<string, string>> = {
  'uplot.js': 'uPlot.esm.js',
  'uplot.css': 'uPlot.min.css',
};

/** The names of a broker's files. */
export const FILE_NAMES: readonly string[] = [
  ...SHARED_FILES,
  ...BROKER_FILES,
  ...Object.keys(LIBRARY_FILES),
];
/** The names of a fleet's files. */
export const FLEET_FILE_NAMES: readonly string[] = [
  ...SHARED_FILES,
  ...FLEET_FILES,
  ...Object.keys(LIBRARY_FILES),
];
/** The document of a fleet's page, in which `{base}` stands for the path in front of all paths. */
export const FLEET_HOME = 'fleet.html';

/** The stream of events. Other sites are refused, because the number of viewers is limited. */
export const EVENTS_PATH = '/ui/events';
/** The page itself. */
export const HOME_PATH = '/ui/';
/** The last hour of a topic, a channel or the broker. */
export const HISTORY_PATH = '/ui/history';
/** The brokers that the page shows. */
export const NODES_PATH = '/ui/nodes';

/** A dry run of an operator's action: what it would do, and where. */
export const PLAN_PATH = '/ui/plan';
/** Graphite's graphs of a topic or a channel of a fleet. */
export const GRAPHS_PATH = '/ui/graphs';

/** All paths of a broker's page. */
export const PAGE_PATHS: readonly string[] = [
  HOME_PATH,
  EVENTS_PATH,
  HISTORY_PATH,
  NODES_PATH,
  ...FILE_NAMES.map((name) => `/ui/${name}`),
];
