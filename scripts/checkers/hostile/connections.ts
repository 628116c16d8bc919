/**
 * Thousands of connections, and connections that end in the middle of a command.
 */

import { dpub, identify, line, MAGIC, mpub, pub, sized } from '../../../src/protocol/commands.ts';
import { FRAME_HEADER_BYTES } from '../../../src/shared/limits.ts';
import type { Attack, Scenario } from './attack.ts';
import type { HostileConnection } from './hostile-connection.ts';

const FLOOD_CONNECTIONS = 3000;
/** Attempts beyond the broker's limit. */
const SURPLUS = 200;
const AT_A_TIME = 50;
const CLOSED_MS_MAX = 5000;
const CUT_TOPIC = 'hostile-cut';
const ID = '0123456789abcdef';

/** Every command; the first commands of a connection that is cut off have no effect. */
const COMMANDS: Readonly<Record<string, Buffer>> = {
  IDENTIFY: identify({ client_id: 'cut', feature_negotiation: true }),
  AUTH: Buffer.concat([line('AUTH'), sized('secret')]),
  SUB: line('SUB', CUT_TOPIC, 'channel#ephemeral'),
  PUB: pub(CUT_TOPIC, 'a body'),
  MPUB: mpub(CUT_TOPIC, ['one', 'another']),
  DPUB: dpub(CUT_TOPIC, 10, 'a body'),
  RDY: line('RDY', 10),
  FIN: line('FIN', ID),
  REQ: line('REQ', ID, 10),
  TOUCH: line('TOUCH', ID),
  CLS: line('CLS'),
  NOP: line('NOP'),
};

async function flood(attack: Attack): Promise<void> {
  const { connectionsMax } = attack.target;
  const wanted = connectionsMax === undefined ? FLOOD_CONNECTIONS : connectionsMax + SURPLUS;
  const open: HostileConnection[] = [];
  await attack.together(AT_A_TIME, async (index) => {
    for (let at = index; at < wanted; at += AT_A_TIME) {
      const connection = await connectOrNot(attack);
      if (connection === undefined) continue;
      if (at % 2 === 0) connection.send(MAGIC, line('NOP'));
      open.push(connection);
    }
  });
  const keptCount = (): number => open.filter(({ isClosed }) => !isClosed).length;
  // a refusal follows the connection
  const most = connectionsMax ?? Number.POSITIVE_INFINITY;
  await attack.comesTrue(() => keptCount() <= most, CLOSED_MS_MAX);
  const kept = keptCount();
  if (connectionsMax !== undefined) checkRefusals(attack, open, connectionsMax);
  if (connectionsMax !== undefined && kept > connectionsMax) {
    attack.fault(`${kept} connections are open, ${connectionsMax} at most`);
  }
  if (connectionsMax === undefined && kept < wanted) {
    attack.fault(`${kept} of ${wanted} connections are open`);
  }
  const answer = await attack.ping();
  if (answer !== 'OK') attack.fault(`with all these connections /ping says ${answer}`);
  for (const connection of open) connection.reset();
  while (attack.isOn) {
    await attack.together(AT_A_TIME, async () => (await connectOrNot(attack))?.reset());
  }
}

/** Refused clients that received a reason received this one; the others were too many at once. */
function checkRefusals(
  attack: Attack,
  connections: readonly HostileConnection[],
  connectionsMax: number,
): void {
  const text = `E_TOO_MANY_CONNECTIONS there are ${connectionsMax} connections, which is the limit`;
  const told = connections.filter(({ isClosed, received }) => isClosed && received !== '');
  const wrong = told.find(({ received }) => received.slice(FRAME_HEADER_BYTES) !== text);
  if (told.length === 0) attack.fault('no connection was told why it was refused');
  if (wrong !== undefined) attack.fault(`refused with ${JSON.stringify(wrong.received)}`);
}

async function connectOrNot(attack: Attack): Promise<HostileConnection | undefined> {
  try {
    return await attack.connect();
  } catch (error) {
    // a broker with a limit may refuse in this way too
    if (attack.target.connectionsMax !== undefined && error instanceof Error) return undefined;
    throw error;
  }
}

async function cut(attack: Attack): Promise<void> {
  const cuts = Object.entries(COMMANDS).flatMap(([name, bytes]) =>
    Array.from({ length: bytes.length }, (_, length) => ({ name, bytes, length })),
  );
  do {
    await attack.together(AT_A_TIME, async (index) => {
      for (let at = index; at < cuts.length; at += AT_A_TIME) {
        const { name, bytes, length } = cuts[at];
        const start = bytes.subarray(0, length);
        await cutOff(attack, start, `${name} cut after ${length} bytes`);
      }
    });
  } while (attack.isOn);
  await attack.expectNothingIn(CUT_TOPIC);
}

/** Once half-closed, once reset. */
async function cutOff(attack: Attack, start: Buffer, what: string): Promise<void> {
  const reset = await attack.client(start);
  const ended = await attack.client(start);
  reset.reset();
  ended.end();
  if (!(await attack.inTime(ended.closed, CLOSED_MS_MAX))) {
    attack.fault(`${what}: the connection stays open`);
  }
}

/** Clients that come and go. */
export const CONNECTIONS: readonly Scenario[] = [
  { name: 'connection flood', growthMibMax: 160, run: flood },
  { name: 'cut at every byte', growthMibMax: 64, warmsUp: true, run: cut },
];
