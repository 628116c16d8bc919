/**
 * Publishes on `brokerChannels` what was sent to a client, and what it has answered.
 *
 * Thread: main.
 */

import { MESSAGE_ID_BYTES } from '../../shared/limits.ts';
import { writeHexWord } from '../../shared/message-id.ts';
import { type AnswerEvent, brokerChannels, type DeliverEvent } from '../stats/broker-channels.ts';
import type { Client } from './client.ts';

/** Messages are on their way to the client's socket. Units: bytes of frames. */
export function tellDelivery(client: Client, bytes: number, count: number): void {
  const about = aboutOf(client);
  if (about === undefined) return;
  const event: DeliverEvent = { ...about, count, bytes };
  brokerChannels.deliver.publish(event);
}

/** The client has sent FIN. */
export function tellFinish(client: Client, idHigh: number, idLow: number): void {
  const about = aboutOf(client);
  if (about === undefined) return;
  const event: AnswerEvent = { ...about, id: idText(idHigh, idLow) };
  brokerChannels.finish.publish(event);
}

/** The client has sent REQ. */
export function tellRequeue(client: Client, idHigh: number, idLow: number, delayMs: number): void {
  const about = aboutOf(client);
  if (about === undefined) return;
  const event: AnswerEvent = { ...about, id: idText(idHigh, idLow), delayMs };
  brokerChannels.requeue.publish(event);
}

/** Undefined for a client without a channel. */
function aboutOf({
  state,
  remoteAddress,
}: Client): Pick<AnswerEvent, 'topic' | 'channel' | 'client'> | undefined {
  if (state.state === 'init') return undefined;
  const { topic, name } = state.channel;
  return { topic: topic.name, channel: name, client: remoteAddress };
}

function idText(idHigh: number, idLow: number): string {
  const id = Buffer.allocUnsafe(MESSAGE_ID_BYTES);
  writeHexWord(idHigh, id, 0);
  writeHexWord(idLow, id, MESSAGE_ID_BYTES / 2);
  return id.toString('latin1');
}
