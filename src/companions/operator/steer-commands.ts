/**
 * `ringmq drain` and `ringmq config`: the broker as a whole.
 *
 * Thread: main.
 */

import type { BrokerAnswer } from './broker-http.ts';
import { BadUsage, Refused, Unreachable } from './failures.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';

const DRAIN_FLAGS = {
  wait: { help: 'wait until the broker has ended, and print how many messages are left' },
} as const;

const LOOK_MS = 1000;
const LOG_LEVEL = 'log_level';
const LOOKUPDS = 'nsqlookupd_tcp_addresses';
/** By nsqd's number; none has 0. */
const LEVELS: readonly string[] = ['', 'debug', 'info', 'warn', 'error', 'fatal'];
/** The word that the operator types. */
const DRAIN = 'drain';

/** `ringmq drain`. */
export const runDrain = operatorCommand({
  name: 'drain',
  does: 'lets consumers empty the broker, then shuts it down; this cannot be cancelled',
  forms: ['[--wait]'],
  examples: ['', '--wait --yes'],
  needsNoWords: true,
  destroys: true,
  flags: DRAIN_FLAGS,
  run: async (call) => {
    call.named([]);
    await call.confirm(
      DRAIN,
      'refuses publishes from now on, and ends the broker when it is empty',
    );
    await call.broker.ask('PUT', '/config/drain');
    if (call.flags.wait !== true) {
      call.print({ draining: true }, () => 'the broker is draining\n');
      return;
    }
    await waitForEnd(call);
    call.print({ ended: true }, () => 'the broker has ended\n');
  },
});

async function waitForEnd(call: OperatorCall<typeof DRAIN_FLAGS>): Promise<void> {
  let last = '';
  for (;;) {
    try {
      const { draining } = (await call.broker.ask('GET', '/info')) as {
        draining?: { messages: number | null };
      };
      const left = String(draining?.messages ?? 'unknown');
      if (left !== last) call.context.stderr(`messages left: ${left}\n`);
      last = left;
    } catch (error) {
      if (error instanceof Unreachable) return;
      throw error;
    }
    await call.context.wait(LOOK_MS);
  }
}

type Report = {
  readonly taken: readonly string[];
  readonly failed: readonly { readonly what: string; readonly why: string }[];
  readonly restart: readonly string[];
};

/** `ringmq config`. */
export const runConfig = operatorCommand({
  name: 'config',
  does: 'shows and sets options of a running broker, and reloads its configuration',
  forms: [
    'get KEY            show an option',
    'set KEY VALUE      set log_level or nsqlookupd_tcp_addresses',
    'reload             read certificate, access file and configuration file again',
  ],
  examples: ['get max_rdy_count', 'set log_level debug', 'reload'],
  flags: {},
  run: async (call) => {
    const { verb, key, value } = call.named(['verb'], ['key', 'value']);
    const path = `/config/${encodeURIComponent(key)}`;
    switch (verb) {
      case 'get':
        if (key === '' || value !== '') throw new BadUsage('get needs KEY');
        return print(call, key, (await ask(call, 'GET', path, noSuchKey(key))).text);
      case 'set':
        if (value === '') throw new BadUsage('set needs KEY VALUE');
        return print(call, key, (await ask(call, 'PUT', path, notSettable(key), value)).text);
      case 'reload':
        if (key !== '') throw new BadUsage('reload does not take a KEY');
        return reload(call);
      default:
        throw new BadUsage(`unknown command ${JSON.stringify(verb)}: get, set or reload`);
    }
  },
});

type Call = OperatorCall<Record<never, never>>;

/** `why` replaces the broker's reasons, which are nsqd's and name nothing. */
async function ask(
  { broker }: Call,
  method: string,
  path: string,
  why: string,
  value?: string,
): Promise<BrokerAnswer> {
  try {
    return await broker.request(method, path, value);
  } catch (error) {
    const isVague = error instanceof Refused && /^invalid (option|value)$/.test(error.message);
    throw isVague ? new Refused(why, { cause: error }) : error;
  }
}

function noSuchKey(key: string): string {
  return `there is no option ${JSON.stringify(key)}; "ringmq --print-config" shows all keys`;
}

function notSettable(key: string): string {
  switch (key) {
    case LOG_LEVEL:
      return `${LOG_LEVEL} is ${LEVELS.slice(1).join(', ')}`;
    case LOOKUPDS:
      return `${LOOKUPDS} is a JSON list, such as '["10.0.0.1:4160"]'`;
    default:
      return `${JSON.stringify(key)} cannot be set while the broker runs; ${LOG_LEVEL} and ${LOOKUPDS} can`;
  }
}

/** The broker shows texts as they are, and everything else as JSON: a log level as nsqd's number. */
function print(call: Call, key: string, text: string): void {
  const level = key === LOG_LEVEL ? LEVELS[Number(text)] : undefined;
  call.print({ [key]: parsedValue(text) }, () => `${level ?? text}\n`);
}

function parsedValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON, so it is text.
    return text;
  }
}

/** The broker answers 400 if a part is invalid, together with the parts that it has accepted. */
async function reload(call: Call): Promise<void> {
  const json = await call.broker.askReport('PUT', '/config/reload');
  // The broker's format.
  const { taken, failed, restart } = json as Report;
  call.print(json, () => {
    return [
      `taken: ${taken.join(', ') || 'nothing'}\n`,
      ...(restart.length > 0 ? [`needs a restart: ${restart.join(', ')}\n`] : []),
    ].join('');
  });
  if (failed.length === 0) return;
  throw new Refused(failed.map(({ what, why }) => `${what}: ${why}`).join('\n'));
}
