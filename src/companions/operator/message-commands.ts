/**
 * `ringmq peek`, `requeue`, `finish`, `purge` and `move`: an operator's work on the messages of a topic, or of one of
 * its channels.
 *
 * A filter is applied request by request, until the broker reports that nothing is left.
 *
 * Thread: main.
 */

import { terminalJson } from '../../daemon/terminal-json.ts';
import type { Companion } from '../companion.ts';
import { BadUsage, Refused } from './failures.ts';
import type { FlagTable } from './flags.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';
import { messageId, queueName } from './queue-name.ts';
import { table } from './table.ts';

/** A message as `/messages` shows it. */
type ShownMessage = {
  readonly id: string;
  readonly state: string;
  readonly published: string;
  readonly attempts: number;
  readonly size: number;
  readonly body: string;
};

type Page = { readonly messages: readonly ShownMessage[]; readonly cursor: string | null };
type Work = {
  readonly done: number;
  readonly not_found: readonly string[];
  readonly cursor: string | null;
};

const PEEK_DEFAULT = '20';
/** Characters of a body in a table. */
const BODY_WIDTH = 60;

const FILTER_FLAGS = {
  state: { value: 'STATES', help: 'ready, deferred, in-flight, or several with commas' },
  since: { value: 'TIME', help: 'published at this time or later: RFC 3339, or Unix time in ms' },
  match: { value: 'TEXT', help: 'messages whose body contains this text' },
} as const;

type FilterFlags = {
  readonly state?: string;
  readonly since?: string;
  readonly match?: string;
};

const DOCS_NOTE = 'docs/messages.md explains states and filters.';
const NOTES = `SOURCE is TOPIC, for messages that wait in a topic itself, or TOPIC:CHANNEL.
${DOCS_NOTE}`;

/** `ringmq peek`. */
export const runPeek: Companion = operatorCommand({
  name: 'peek',
  does: 'shows messages that wait or are in flight, without consuming them',
  forms: ['SOURCE', 'SOURCE ID'],
  examples: ['orders:billing', 'orders:billing --match=\'"id":4711\'', 'dead.orders --limit=5'],
  notes: NOTES,
  flags: {
    ...FILTER_FLAGS,
    limit: { value: 'N', help: `number of messages to show (default ${PEEK_DEFAULT})` },
  },
  run: async (call) => {
    const { source, id } = call.named(['source'], ['id']);
    if (id !== '') {
      const query = queryOf(source, { id: messageId(id, source) });
      const message = await call.broker.ask('GET', `/message?${query}`);
      call.print(message, () => `${terminalJson(message, 2)}\n`);
      return;
    }
    const { messages, isCut } = await peek(call, source, call.flags);
    call.print(messages, () => (messages.length === 0 ? nothing(source) : messageTable(messages)));
    if (isCut) {
      const shown = `${count(messages.length)} ${messages.length === 1 ? 'is' : 'are'} shown`;
      call.context.stderr(`${shown}, there may be more: --limit shows them\n`);
    }
  },
});

/** `ringmq finish`. */
export const runFinish: Companion = operatorCommand({
  name: 'finish',
  does: 'finishes messages by their ids, even if a consumer has them',
  forms: ['SOURCE ID ...'],
  examples: ['orders:billing 18aba57102a69000'],
  notes: NOTES,
  flags: {},
  destroys: true,
  run: async (call) => {
    const { source, ids } = sourceAndIds(call.words);
    if (ids.length === 0) throw new BadUsage('SOURCE ID ... is expected');
    await call.confirm(source, `finishes ${count(ids.length)} of ${source}`);
    await work(call, 'finished', () => `/message/finish?${queryOf(source, { id: ids.join() })}`);
  },
});

/** `ringmq requeue`. */
export const runRequeue: Companion = operatorCommand({
  name: 'requeue',
  does: 'makes messages ready again that are in flight or deferred',
  forms: ['TOPIC:CHANNEL ID ...', 'TOPIC:CHANNEL [filter]'],
  examples: ['orders:billing 18aba57102a69000', 'orders:billing --state=deferred'],
  notes: `With a filter and without a delay, messages that are ready already stay as they are.\n${DOCS_NOTE}`,
  flags: {
    ...FILTER_FLAGS,
    delay: { value: 'MS', help: 'ready after this time (default 0)' },
  },
  run: async (call) => {
    const { source, ids } = sourceAndIds(call.words);
    if (queueName(source).channel === '') {
      throw new BadUsage(`requeue needs a channel: ${source}:CHANNEL is expected`);
    }
    const { delay } = call.flags;
    const which = ids.length > 0 ? { id: ids.join() } : filterIn(call.flags);
    if (Object.values(which).every((value) => value === undefined)) {
      throw new BadUsage(
        'ids, --state, --since or --match select the messages; all of them: --state=in-flight,deferred',
      );
    }
    await work(call, 'requeued', (cursor) => {
      return `/message/requeue?${queryOf(source, { ...which, delay, cursor })}`;
    });
  },
});

/** `ringmq purge`. */
export const runPurge: Companion = operatorCommand({
  name: 'purge',
  does: 'drops the waiting messages that match a filter',
  forms: ['SOURCE [filter]'],
  examples: ['orders:billing --match=\'"test":true\'', 'dead.orders --yes'],
  notes: `${NOTES}\nWithout a filter it drops all messages that are ready or deferred.`,
  flags: FILTER_FLAGS,
  destroys: true,
  run: async (call) => {
    const { source } = call.named(['source']);
    const filter = filterIn(call.flags);
    const isAll = Object.values(filter).every((value) => value === undefined);
    const which = isAll ? `that wait in ${source}` : `of ${source} that match`;
    await call.confirm(source, `drops all messages ${which}`);
    await work(call, 'dropped', (cursor) => {
      return `/messages/purge?${queryOf(source, { ...filter, all: 'true', cursor })}`;
    });
  },
});

/** `ringmq move`. */
export const runMove: Companion = operatorCommand({
  name: 'move',
  does: 'moves waiting messages to another topic, such as dead letters back to their original one',
  forms: ['SOURCE TOPIC ID ...', 'SOURCE TOPIC [filter]'],
  examples: [
    'dead.orders orders',
    'dead.orders orders 18aba57102a69000',
    'orders:billing parked --match=4711',
  ],
  notes: `${NOTES}\nEach message is published to TOPIC before it is finished in SOURCE: a crash may leave it in both.`,
  flags: FILTER_FLAGS,
  run: async (call) => {
    const [from, to, ...rest] = call.words;
    if (to === undefined) throw new BadUsage('SOURCE TOPIC is expected');
    // For their errors: the broker would name its own parameters.
    queueName(from);
    if (queueName(to).channel !== '') {
      throw new BadUsage(`messages move to a topic, which has no ":", got ${JSON.stringify(to)}`);
    }
    const ids = rest.map((id) => messageId(id, from));
    const id = ids.length === 0 ? undefined : ids.join();
    await work(call, 'moved', (cursor) => {
      return `/messages/move?${query({ from, to, id, ...filterIn(call.flags), cursor })}`;
    });
  },
});

/**
 * Repeats a request until the broker reports that nothing is left, and prints what is done. Errors: rejects with
 * `Refused` if some of the given ids were not found.
 */
async function work(
  call: Pick<OperatorCall<FlagTable>, 'broker' | 'print'>,
  doneWord: string,
  pathOf: (cursor: string | undefined) => string,
): Promise<void> {
  let done = 0;
  let cursor: string | undefined;
  const notFound: string[] = [];
  do {
    const answer = (await call.broker.ask('POST', pathOf(cursor))) as Work;
    done += answer.done;
    notFound.push(...answer.not_found);
    cursor = answer.cursor ?? undefined;
  } while (cursor !== undefined);
  call.print({ done, not_found: notFound }, () => {
    return `${count(done)} ${done === 1 ? 'is' : 'are'} ${doneWord}\n`;
  });
  if (notFound.length > 0) throw new Refused(notFound.map((id) => `${id} is not there`).join('\n'));
}

async function peek(
  call: Pick<OperatorCall<FlagTable>, 'broker'>,
  source: string,
  { limit = PEEK_DEFAULT, ...flags }: FilterFlags & { readonly limit?: string },
): Promise<{ messages: readonly ShownMessage[]; isCut: boolean }> {
  const filter = filterIn(flags);
  const messages: ShownMessage[] = [];
  let cursor: string | undefined;
  for (;;) {
    const left = String(Math.min(1000, Number(limit) - messages.length));
    const path = `/messages?${queryOf(source, { ...filter, limit: left, cursor })}`;
    const page = (await call.broker.ask('GET', path)) as Page;
    messages.push(...page.messages);
    if (page.cursor === null || messages.length >= Number(limit)) {
      return { messages, isCut: page.cursor !== null };
    }
    cursor = page.cursor;
  }
}

/** Operators name a topic and mean its channels. */
function nothing(source: string): string {
  if (queueName(source).channel !== '') return 'there are no messages\n';
  return `there are no such messages in the topic itself; "ringmq ls ${source}" shows its channels\n`;
}

function messageTable(messages: readonly ShownMessage[]): string {
  return table(
    ['ID', 'STATE', 'PUBLISHED', 'ATTEMPTS', 'SIZE', 'BODY'],
    messages.map(({ id, state, published, attempts, size, body }) => [
      ...[id, state, published, String(attempts), String(size)],
      printable(body),
    ]),
  );
}

/** A body on one line, without control characters that a terminal would obey. */
function printable(body: string): string {
  const text = terminalJson(body).slice(1, -1).replaceAll('\\"', '"');
  return text.length <= BODY_WIDTH ? text : `${text.slice(0, BODY_WIDTH - 1)}…`;
}

/** A command has other flags too. */
function filterIn({
  state,
  since,
  match,
}: FilterFlags): Readonly<Record<string, string | undefined>> {
  return { state, since, match };
}

function sourceAndIds([source, ...ids]: readonly string[]): { source: string; ids: string[] } {
  return { source, ids: ids.map((id) => messageId(id, source)) };
}

function queryOf(
  source: string,
  parameters: Readonly<Record<string, string | undefined>>,
): URLSearchParams {
  const { topic, channel } = queueName(source);
  return query({ topic, ...(channel !== '' && { channel }), ...parameters });
}

function query(parameters: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given as [string, string][]);
}

function count(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`;
}
