/**
 * `ringmq publish`: publishes a message, or each line of standard input.
 *
 * Thread: main.
 */

import { BadUsage } from './failures.ts';
import { type FlagTable, integerFlag } from './flags.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';

const FLAGS = {
  defer: { value: 'MS', help: 'deliver it after this many milliseconds' },
  lines: { help: 'publish each line of standard input that is not empty' },
} as const satisfies FlagTable;

/** Lines are sent in bodies of about this size; the broker accepts 5 MiB by default. */
const BODY_BYTES_MAX = 1024 * 1024;
const LINE_END = 0x0a;

/** `ringmq publish`. */
export const runPublish = operatorCommand({
  name: 'publish',
  does: 'publishes a message from the command line or from standard input',
  forms: ['TOPIC MESSAGE', 'TOPIC < FILE', 'TOPIC --lines < FILE'],
  examples: [`orders '{"id":7}'`, 'orders --defer=60000 later', 'orders --lines < orders.ndjson'],
  flags: FLAGS,
  run: async (call) => {
    const { topic, message } = call.named(['topic'], ['message']);
    if (call.flags.lines === true) {
      if (message !== '')
        throw new BadUsage('--lines reads standard input; MESSAGE is not allowed');
      if (call.flags.defer !== undefined) throw new BadUsage('--lines goes without --defer');
      return publishLines(call, topic);
    }
    const deferMs = integerFlag('defer', call.flags.defer, 0);
    const body = message === '' ? await call.readInput() : message;
    const query = new URLSearchParams({ topic, ...(deferMs > 0 && { defer: String(deferMs) }) });
    await call.broker.ask('POST', `/pub?${query}`, body);
    print(call, topic, 1);
  },
});

async function publishLines(call: OperatorCall<typeof FLAGS>, topic: string): Promise<void> {
  const query = new URLSearchParams({ topic });
  let count = 0;
  for (const { bytes, lineCount } of portions(await call.readInput())) {
    await call.broker.ask('POST', `/mpub?${query}`, bytes);
    count += lineCount;
  }
  print(call, topic, count);
}

function print(call: OperatorCall<typeof FLAGS>, topic: string, count: number): void {
  call.print({ topic, published: count }, () => `published to ${topic}: ${count}\n`);
}

/** Whole lines, many at once. A portion of empty lines is left out. */
function* portions(input: Buffer): Iterable<{ bytes: Buffer; lineCount: number }> {
  let start = 0;
  let lineCount = 0;
  for (let at = 0; at < input.length; ) {
    const found = input.indexOf(LINE_END, at);
    const end = found === -1 ? input.length : found + 1;
    if (end - at > (found === -1 ? 0 : 1)) lineCount += 1;
    at = end;
    if (at - start < BODY_BYTES_MAX && at < input.length) continue;
    if (lineCount > 0) yield { bytes: input.subarray(start, at), lineCount };
    start = at;
    lineCount = 0;
  }
}
