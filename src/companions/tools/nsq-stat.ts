/**
 * `ringmq nsq_stat`: prints the rates and counts of a channel; replaces nsq_stat.
 *
 * Thread: main.
 * Source: nsq `apps/nsq_stat`.
 */

import { boolean, duration, integer, text, texts } from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import { DONE_CODE } from '../companion.ts';
import { type ChannelTotals, channelCounts } from './channel-counts.ts';
import { HTTP_CLIENT_TABLE, HttpJson } from './http-json.ts';
import { Fatal, positive, type ToolCall, tool } from './tool.ts';

const ORIGINAL = 'nsq_stat';
const SECOND_MS = 1000;
const HEADER_EVERY = 25;
/** Without end. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** A count whose default is not shown. */
const count = { ...integer, spell: (value: number) => (value === UNLIMITED ? '' : `${value}`) };

const TABLE = {
  topic: option(text, 'Source', 'topic', '', 'NSQ topic'),
  channel: option(text, 'Source', 'channel', '', 'NSQ channel'),
  nsqdAddresses: option(
    texts,
    'Source',
    'nsqd-http-address',
    [],
    'nsqd HTTP address (may be given multiple times)',
  ),
  lookupdAddresses: option(
    texts,
    'Source',
    'lookupd-http-address',
    [],
    'lookupd HTTP address (may be given multiple times)',
  ),
  intervalMs: option(
    duration,
    'Output',
    'interval',
    2 * SECOND_MS,
    'duration of time between polling/printing output',
    positive,
  ),
  count: option(count, 'Output', 'count', UNLIMITED, 'number of reports', (value) =>
    value > 0 ? undefined : '--count should be positive',
  ),
  isJson: option(boolean, 'Output', 'json', false, 'print an object for each report'),
  ...HTTP_CLIENT_TABLE,
};

/** `ringmq nsq_stat`, and `ringmq stat` with its flags. */
export const runNsqStat = tool({
  name: ORIGINAL,
  original: ORIGINAL,
  does: 'Prints the rates and counts of a channel, summed over all nsqds that have it',
  examples: [
    '--topic=orders --channel=billing --nsqd-http-address=127.0.0.1:4151',
    '--topic=orders --channel=billing --lookupd-http-address=127.0.0.1:4161 --interval=10s',
    '--topic=orders --channel=billing --nsqd-http-address=127.0.0.1:4151 --count=1 --json',
  ],
  table: TABLE,
  endsByHangUp: true,
  run: async (call) => {
    const { values, clock } = call;
    check(values);
    const http = new HttpJson(values, clock);
    try {
      await report(call, http);
      return DONE_CODE;
    } finally {
      await http.close();
    }
  },
});

type Values = ToolCall<typeof TABLE>['values'];

function check({ topic, channel, nsqdAddresses, lookupdAddresses }: Values): void {
  if (topic === '' || channel === '') throw new Fatal('--topic and --channel are required');
  if (nsqdAddresses.length === 0 && lookupdAddresses.length === 0) {
    throw new Fatal('--nsqd-http-address or --lookupd-http-address required');
  }
  if (nsqdAddresses.length > 0 && lookupdAddresses.length > 0) {
    throw new Fatal('use --nsqd-http-address or --lookupd-http-address not both');
  }
  for (const [flag, addresses] of [
    ['nsqd', nsqdAddresses],
    ['lookupd', lookupdAddresses],
  ] as const) {
    if (addresses.some((address) => address.startsWith('http'))) {
      throw new Fatal(`--${flag}-http-address error - address should not contain scheme`);
    }
  }
}

/** Resolves after the last report, or a signal. The first answer has no rates, and is the base of the next. */
async function report(
  { values, context, clock, stopped }: ToolCall<typeof TABLE>,
  http: HttpJson,
): Promise<void> {
  const { intervalMs, count: reportCount, isJson } = values;
  let isStopped = false;
  void stopped.then(() => {
    isStopped = true;
  });
  let before: ChannelTotals | null = null;
  for (let index = 0; index <= reportCount; index++) {
    const answer = await Promise.race([channelCounts(http, values), stopped.then(() => null)]);
    if (answer === null) return;
    if (index % HEADER_EVERY === 0 && !isJson) context.stdout(HEADER);
    if (before !== null) {
      const rates = ratesOf(answer, before, intervalMs / SECOND_MS);
      context.stdout(isJson ? jsonLine(values, rates, answer) : textLine(rates, answer));
    }
    before = answer;
    if (index === reportCount) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(intervalMs, resolve);
    await Promise.race([promise, stopped]);
    timer.cancel();
    if (isStopped) return;
  }
}

/** Units: messages a second. */
type Rates = { readonly ingress: number; readonly egress: number };

function ratesOf(now: ChannelTotals, before: ChannelTotals, seconds: number): Rates {
  const arrived = now.message_count - before.message_count;
  const left = arrived - (now.depth - before.depth);
  // Without a negative zero.
  return {
    ingress: Math.trunc(arrived / seconds) + 0,
    egress: Math.trunc(left / seconds) + 0,
  };
}

type Cell = string | number;

const RATE_WIDTHS = [7, 7];
const DEPTH_WIDTHS = [7, 7, 7, 5, 5];
const METADATA_WIDTHS = [7, 7, 12, 7];

const HEADER = `${[
  '------rate------',
  '----------------depth----------------',
  '--------------metadata---------------',
].join(
  '+',
)}\n${columns(['ingress', 'egress'], ['total', 'mem', 'disk', 'inflt', 'def'], ['req', 't-o', 'msgs', 'clients'])}`;

function textLine({ ingress, egress }: Rates, counts: ChannelTotals): string {
  const { depth, backend_depth: disk } = counts;
  return columns(
    [ingress, egress],
    [depth, depth - disk, disk, counts.in_flight_count, counts.deferred_count],
    [counts.requeue_count, counts.timeout_count, counts.message_count, counts.client_count],
  );
}

function columns(
  rates: readonly Cell[],
  depths: readonly Cell[],
  metadata: readonly Cell[],
): string {
  const part = (cells: readonly Cell[], widths: readonly number[]): string =>
    cells.map((cell, index) => String(cell).padStart(widths[index])).join(' ');
  return `${part(rates, RATE_WIDTHS)} | ${part(depths, DEPTH_WIDTHS)} | ${part(metadata, METADATA_WIDTHS)}\n`;
}

function jsonLine({ topic, channel }: Values, rates: Rates, counts: ChannelTotals): string {
  return `${JSON.stringify({ topic, channel, ...rates, ...counts })}\n`;
}
