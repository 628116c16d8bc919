/** `http`: publishing over HTTP. */

import { type Load, subcommand } from '../load.ts';
import { ArgumentError, count, optionalAmount, optionalCount, toggle } from '../options.ts';
import { figuresOf, peakOf } from '../run-context.ts';
import { PAYLOAD_OPTION } from '../wire/payload.ts';
import { needsFor } from './traffic-options.ts';

const MESSAGES_DEFAULT = 200_000;

const OPTIONS = {
  messages: optionalCount(
    1,
    `end after this many messages (default ${MESSAGES_DEFAULT} without --seconds)`,
  ),
  seconds: optionalAmount(0.001, 'end after this many seconds'),
  batch: count(
    1,
    1,
    'messages of a request: 1 is POST /pub, more is POST /mpub with a line for each',
  ),
  binary: toggle('POST /mpub?binary=true, with sizes in place of lines; needs --batch above 1'),
  size: count(200, 1, 'bytes of a message'),
  payload: PAYLOAD_OPTION,
  connections: count(64, 1, 'connections'),
  newConnections: toggle('a new connection for each request; excludes --in-flight'),
  inFlight: count(1, 1, 'requests of a connection in flight; more than 1 is pipelining'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'http',
  unit: 'msg',
  summary: 'publish with POST /pub or POST /mpub',
  about: `Publishes to a topic without channels. Percentiles are the time from sending a request to its
answer, with --new-connections from the start of the connection. The null sink is a bare node:http
server that answers OK.`,
  examples: [
    '',
    '--null-sink',
    '--in-flight 16',
    '--batch 100 --connections 4 --messages 2M',
    '--batch 100 --binary --connections 16 --payload random',
    '--new-connections --messages 20k',
  ],
  options: OPTIONS,
  warmUp: (values, messages, seconds) => ({ ...values, messages, seconds }),
  check: ({ binary, batch, newConnections, inFlight }) => {
    if (binary && batch === 1) throw new ArgumentError('--binary needs --batch above 1');
    if (newConnections && inFlight > 1) {
      throw new ArgumentError('--new-connections has one request for each, without --in-flight');
    }
  },
  needs: (values) => needsFor(endOf(values), null),
  sink: () => ({ protocol: 'http' }),
  run: async (context, values) => {
    const measured = await context.measure('publishing over HTTP', 'httpPublish', {
      address: context.target.httpAddress,
      topic: context.topic,
      batch: values.batch,
      isBinary: values.binary,
      hasNewConnections: values.newConnections,
      size: values.size,
      payload: values.payload,
      connections: values.connections,
      inFlight: values.inFlight,
      messages: endOf(values),
      seconds: values.seconds,
    });
    return { ...figuresOf(measured), ...peakOf(context.target) };
  },
};

function endOf(values: { messages: number | null; seconds: number | null }): number | null {
  return values.messages ?? (values.seconds === null ? MESSAGES_DEFAULT : null);
}

export const HTTP = subcommand(LOAD);
