/**
 * `ringmq top`: a live view of the topics of a broker with their rates, from differences of its statistics.
 *
 * Thread: main.
 */

import { terminalJson } from '../../daemon/terminal-json.ts';
import { BadUsage } from './failures.ts';
import { integerFlag } from './flags.ts';
import { type NodeStats, nodeStats, sumOf, type TopicStats } from './node-stats.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';
import { table } from './table.ts';

const FLAGS = {
  once: { help: 'print one view and end; the default if the output is not a terminal' },
  interval: {
    value: 'MS',
    help: 'time between views, over which rates are measured (default 2000)',
  },
  sort: { value: 'COLUMN', help: 'in, out, depth, in-flight or name (default in)' },
  limit: { value: 'N', help: 'number of topics (default: as many as fit the terminal)' },
} as const;

type Call = OperatorCall<typeof FLAGS>;

/** A topic with its channels summed. Units: `in` and `out` in messages a second. */
type Row = {
  readonly topic: string;
  readonly in: number;
  readonly out: number;
  readonly depth: number;
  readonly inFlight: number;
  readonly deferred: number;
  readonly consumers: number;
};

const INTERVAL_MS = 2000;
const INTERVAL_MS_MIN = 100;
const MS_PER_SECOND = 1000;
/** Lines besides topics: two of the heading, one of the table's, and the cursor's. */
const OTHER_LINES = 4;
const LIMIT_DEFAULT = 50;

// ANSI: a second screen without a cursor, and back; to the first place; clear what follows.
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_REST = '\x1b[J';

const ORDERS: Readonly<Record<string, (a: Row, b: Row) => number>> = {
  in: (a, b) => b.in - a.in,
  out: (a, b) => b.out - a.out,
  depth: (a, b) => b.depth - a.depth,
  'in-flight': (a, b) => b.inFlight - a.inFlight,
  name: () => 0,
};

/** `ringmq top`. */
export const runTop = operatorCommand({
  name: 'top',
  does: 'shows the topics of a broker with their rates, live',
  forms: [''],
  examples: ['', '--sort=depth --interval=500', '--once --json'],
  notes: `IN/S counts published messages, OUT/S finished and dropped ones of all channels. Ctrl-C ends it. With --json
each view is a line.`,
  needsNoWords: true,
  flags: FLAGS,
  run: async (call) => {
    call.named([]);
    const { sort = 'in' } = call.flags;
    const order = Object.hasOwn(ORDERS, sort) ? ORDERS[sort] : undefined;
    if (order === undefined) {
      throw new BadUsage(`--sort ${JSON.stringify(sort)}: ${Object.keys(ORDERS).join(', ')}`);
    }
    const intervalMs = integerFlag('interval', call.flags.interval, INTERVAL_MS, INTERVAL_MS_MIN);
    await show(call, intervalMs, order);
  },
});

async function show(
  call: Call,
  intervalMs: number,
  order: (a: Row, b: Row) => number,
): Promise<void> {
  const { context, isJson } = call;
  const { stdout, screen } = context;
  const isLive = screen !== null && call.flags.once !== true && !isJson;
  const isEndless = call.flags.once !== true && (isLive || isJson);
  const state = { isOver: false };
  const interrupted = context.interrupted().then(() => {
    state.isOver = true;
  });
  let before = await nodeStats(call.broker);
  if (isLive) stdout(ENTER);
  try {
    do {
      await Promise.race([context.wait(intervalMs), interrupted]);
      if (state.isOver) return;
      const now = await nodeStats(call.broker);
      const rows = rowsOf(before, now, intervalMs).sort(order);
      before = now;
      const limit = integerFlag('limit', call.flags.limit, defaultLimit(call), 1);
      const shown = rows.slice(0, limit);
      if (isJson) stdout(`${terminalJson({ health: now.health, topics: shown })}\n`);
      else if (isLive)
        stdout(HOME + onScreen(view(call, now, rows, shown), screen.width()) + CLEAR_REST);
      else stdout(view(call, now, rows, shown));
    } while (isEndless);
  } finally {
    if (isLive) stdout(LEAVE);
  }
}

function defaultLimit({ isJson, context: { screen } }: Call): number {
  if (isJson) return Number.POSITIVE_INFINITY;
  return screen === null ? LIMIT_DEFAULT : Math.max(1, screen.height() - OTHER_LINES);
}

/** Topics by name, with the changes since the previous statistics. */
function rowsOf(before: NodeStats, now: NodeStats, intervalMs: number): Row[] {
  const known = new Map(before.topics.map((topic) => [topic.topic_name, topic]));
  const perSecond = (count: number): number =>
    Math.round((Math.max(0, count) * MS_PER_SECOND) / intervalMs);
  return now.topics.map((topic) => {
    const old = known.get(topic.topic_name);
    return {
      topic: topic.topic_name,
      in: perSecond(topic.message_count - (old?.message_count ?? topic.message_count)),
      out: perSecond(leftOf(topic) - (old === undefined ? leftOf(topic) : leftOf(old))),
      depth: topic.depth + sumOf(topic, 'depth'),
      inFlight: sumOf(topic, 'in_flight_count'),
      deferred: sumOf(topic, 'deferred_count'),
      consumers: sumOf(topic, 'client_count'),
    };
  });
}

/** Messages that have left the channels. */
function leftOf({ channels }: TopicStats): number {
  let left = 0;
  for (const channel of channels) {
    left +=
      channel.message_count - channel.depth - channel.in_flight_count - channel.deferred_count;
  }
  return left;
}

function view(call: Call, node: NodeStats, rows: readonly Row[], shown: readonly Row[]): string {
  const sum = (field: Exclude<keyof Row, 'topic'>): number =>
    rows.reduce((total, row) => total + row[field], 0);
  const head = [
    `${call.broker.url}  ${node.health}  topics ${rows.length}`,
    `in/s ${sum('in')}  out/s ${sum('out')}  messages ${sum('depth')}  in flight ${sum('inFlight')}  ` +
      `deferred ${sum('deferred')}  consumers ${sum('consumers')}`,
  ];
  const body = table(
    ['TOPIC', 'IN/S', 'OUT/S', 'DEPTH', 'IN FLIGHT', 'DEFERRED', 'CONSUMERS'],
    shown.map((row) => [
      row.topic,
      String(row.in),
      String(row.out),
      String(row.depth),
      String(row.inFlight),
      String(row.deferred),
      String(row.consumers),
    ]),
  );
  return `${head.join('\n')}\n${body}`;
}

/** Lines cut at the width of the screen, each cleared to its end. */
function onScreen(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => line.slice(0, width) + CLEAR_LINE)
    .join('\n');
}
