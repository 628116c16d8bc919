/**
 * Queries nsqlookupds for the channels that a topic has on other brokers.
 *
 * Thread: main. Source: nsq `clusterinfo.GetLookupdTopicChannels`.
 */

import { parseJson } from '../../../daemon/go/json.ts';
import { joinHostPort } from '../../../daemon/host-port.ts';
import type { HttpClient } from '../../../daemon/http-client.ts';
import {
  type ChannelName,
  isEphemeral,
  parseChannelName,
  type TopicName,
} from '../../../shared/names.ts';
import type { PeerInfo } from './peer-info.ts';

/** Queries one nsqlookupd. Errors: rejects without a valid answer in time. */
export async function queryChannels(
  http: Pick<HttpClient, 'get'>,
  peer: PeerInfo,
  topic: TopicName,
): Promise<ChannelName[]> {
  const server = joinHostPort(peer.broadcastAddress, peer.httpPort);
  const url = `http://${server}/channels?topic=${encodeURIComponent(topic)}`;
  if (!URL.canParse(url)) throw new Error(`the address ${JSON.stringify(server)} is not valid`);
  const { status, body } = await http.get(url);
  if (status !== 200) throw new Error(`GET "${url}" failed - status ${status}`);
  const names = parseChannels(body);
  if (names === undefined) throw new Error(`GET "${url}" failed - the answer names no channels`);
  return names;
}

/**
 * The names to create as channels. Ephemeral ones concern only their consumers and are left out, as are invalid
 * names.
 */
function parseChannels(body: Buffer): ChannelName[] | undefined {
  const answer = parseJson(body.toString());
  if (typeof answer !== 'object' || answer === null || !('channels' in answer)) return undefined;
  // Go sometimes writes an empty list as null.
  const channels = answer.channels ?? [];
  if (!Array.isArray(channels)) return undefined;
  const names: ChannelName[] = [];
  for (const channel of channels) {
    const name = typeof channel === 'string' ? parseChannelName(channel) : undefined;
    if (name !== undefined && !isEphemeral(name)) names.push(name);
  }
  return names;
}
