/** HTTP requests to a server besides the load: topics, depths and, for RingMQ, policies. */

import http from 'node:http';
import { type HostPort, joinHostPort } from '../../src/daemon/host-port.ts';

const ANSWER_MS_MAX = 60_000;

/** How many messages each channel of a topic holds. Errors: rejects if the server does not report it. */
export async function channelDepths(address: HostPort, topic: string): Promise<number[]> {
  const text = await ask(address, 'GET', `/stats?format=json&topic=${topic}&include_clients=false`);
  // the format that nsqd documents; each part is checked before it is used
  const stats = JSON.parse(text) as {
    topics?: { topic_name: string; channels?: { depth: number }[] | null }[] | null;
  };
  const found = stats.topics?.find(({ topic_name }) => topic_name === topic);
  return found?.channels?.map(({ depth }) => depth) ?? [];
}

/** Creates a topic with a channel. */
export async function createChannel(
  address: HostPort,
  topic: string,
  channel: string,
): Promise<void> {
  await ask(address, 'POST', `/topic/create?topic=${topic}`);
  await ask(address, 'POST', `/channel/create?topic=${topic}&channel=${channel}`);
}

/** Deletes a topic with everything in it. */
export async function deleteTopic(address: HostPort, topic: string): Promise<void> {
  await ask(address, 'POST', `/topic/delete?topic=${topic}`);
}

/** Sends a request. Resolves with the text of the answer. Errors: rejects for any status except 200. */
export function ask(address: HostPort, method: string, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const what = `${method} http://${joinHostPort(address.host, address.port)}${path}`;
  const request = http.request({ ...address, method, path, agent: AGENT, timeout: ANSWER_MS_MAX });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  request.on('error', (cause) => reject(new Error(`${what}: ${cause.message}`, { cause })));
  request.on('response', (response) => {
    response.setEncoding('utf8');
    let text = '';
    response.on('data', (piece: string) => {
      text += piece;
    });
    response.on('error', reject);
    response.on('end', () => {
      if (response.statusCode === 200) resolve(text);
      else reject(new Error(`${what}: the server answers ${response.statusCode} ${text}`));
    });
  });
  request.end();
  return promise;
}

const AGENT = new http.Agent({ keepAlive: true, maxSockets: 8 });

/** The values of `acknowledge`, the default first. */
export const ACKNOWLEDGEMENTS = ['memory', 'write', 'fsync'] as const;

/** Sets or replaces a policy. Errors: rejects if the server has no policies. */
export async function setPolicy(
  address: HostPort,
  name: string,
  pattern: string,
  definition: Readonly<Record<string, string>>,
): Promise<void> {
  const body = JSON.stringify({ pattern, definition });
  const response = await fetch(policyUrl(address, name), { method: 'PUT', body });
  if (response.ok) return;
  const words = Object.entries(definition).map(([key, value]) => `${key}=${value}`);
  throw new Error(`set ${words.join(' ')}: ${response.status} ${await response.text()}`);
}

/** Errors: rejects if there is no such policy. */
export async function deletePolicy(address: HostPort, name: string): Promise<void> {
  const response = await fetch(policyUrl(address, name), { method: 'DELETE' });
  if (response.ok) return;
  throw new Error(`delete policy ${name}: ${response.status} ${await response.text()}`);
}

function policyUrl({ host, port }: HostPort, name: string): string {
  return `http://${joinHostPort(host, port)}/policy/${name}`;
}
