/**
 * The statistics of several brokers as those of one, in nsqd's form.
 *
 * Numbers are added, lists of clients are joined, and topics and channels of the same name are merged. They are paused
 * if they are paused on one broker. Percentiles cannot be merged: the worst of the brokers counts.
 *
 * Thread: any.
 */

type Fields = Readonly<Record<string, unknown>>;

/** The answer of one broker, as JSON. */
export type BrokerStats = { readonly name: string; readonly stats: Fields };

const LISTS_BY_NAME: ReadonlyMap<string, string> = new Map([
  ['topics', 'topic_name'],
  ['channels', 'channel_name'],
]);
const LATENCY = 'e2e_processing_latency';
const HEALTHY = 'OK';

/** One object of the form of `/stats?format=json`. `down`: names of brokers that have not answered. */
export function mergedStats(answers: readonly BrokerStats[], down: readonly string[]): Fields {
  const faults = [
    ...answers.flatMap(({ name, stats }) =>
      stats['health'] === HEALTHY ? [] : [`${name}: ${String(stats['health'])}`],
    ),
    ...down.map((name) => `${name}: no answer`),
  ];
  const all = answers.map(({ stats }) => stats);
  const starts = all.map((stats) => Number(stats['start_time']));
  return {
    ...mergedFields(all),
    health: faults.length === 0 ? HEALTHY : `NOK - ${faults.join('; ')}`,
    start_time: starts.length === 0 ? 0 : Math.min(...starts),
  };
}

/** Fields in the order of their first appearance. */
function mergedFields(all: readonly Fields[]): Fields {
  const names = new Set(all.flatMap((fields) => Object.keys(fields)));
  const merged: Record<string, unknown> = {};
  for (const name of names) {
    const values = all.map((fields) => fields[name]).filter((value) => value !== undefined);
    merged[name] = name === LATENCY ? worstLatency(values) : mergedValue(name, values);
  }
  return merged;
}

function mergedValue(name: string, values: readonly unknown[]): unknown {
  const known = values.filter((value) => value !== null);
  const [first] = known;
  const key = LISTS_BY_NAME.get(name);
  if (key !== undefined) return mergedByName(key, known.flat() as Fields[]);
  if (Array.isArray(first)) return [...new Set(known.flat())];
  switch (typeof first) {
    case 'number':
      return known.reduce((sum: number, value) => sum + Number(value), 0);
    case 'boolean':
      return known.includes(true);
    case 'object':
      return mergedFields(known as Fields[]);
    default:
      return first ?? null;
  }
}

function mergedByName(key: string, items: readonly Fields[]): Fields[] {
  const groups = Map.groupBy(items, (item) => String(item[key]));
  return [...groups.keys()].sort().map((name) => mergedFields(groups.get(name) ?? []));
}

/** Shape: `{count, percentiles: [{quantile, value}, …] | null}`. */
function worstLatency(values: readonly unknown[]): unknown {
  // nsqd's own format
  const known = values as { count: number; percentiles: Record<string, number>[] | null }[];
  const worst = new Map<number, Record<string, number>>();
  for (const percentile of known.flatMap(({ percentiles }) => percentiles ?? [])) {
    const { quantile, value } = percentile;
    if (value >= (worst.get(quantile)?.['value'] ?? 0)) worst.set(quantile, percentile);
  }
  return {
    count: known.reduce((sum, { count }) => sum + count, 0),
    percentiles: worst.size === 0 ? null : [...worst.values()],
  };
}
