/**
 * `ringmq drain` and `ringmq config`: the broker as a whole.
 *
 * Thread: main.
 */

import { BadUsage, Refused, Unreachable } from './failures.ts';
import { type OperatorCall, operatorCommand } from './operator-command.ts';

const DRAIN_FLAGS = {
  wait: { help: 'wait until the broker has ended, and print how many messages are left' },
} as const;

const LOOK_MS = 1000;
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
      call.print({ draining: true }, () => 'the broker drains\n');
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
      if (left !== last) call.surroundings.stderr(`messages left: ${left}\n`);
      last = left;
    } catch (error) {
      if (error instanceof Unreachable) return;
      throw error;
    }
    await call.surroundings.wait(LOOK_MS);
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
        return print(call, key, (await call.broker.request('GET', path)).text);
      case 'set':
        if (value === '') throw new BadUsage('set needs KEY VALUE');
        return print(call, key, (await call.broker.request('PUT', path, value)).text);
      case 'reload':
        if (key !== '') throw new BadUsage('reload does not take a KEY');
        return reload(call);
      default:
        throw new BadUsage(`unknown command ${JSON.stringify(verb)}: get, set or reload`);
    }
  },
});

type Call = OperatorCall<Record<never, never>>;

/** The broker shows texts as they are, and everything else as JSON. */
function print(call: Call, key: string, text: string): void {
  call.print({ [key]: parsedValue(text) }, () => `${text}\n`);
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
