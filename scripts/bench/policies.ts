/** Policies of RingMQ, for loads that need one; other servers have none. */

import { type HostPort, joinHostPort } from '../../src/daemon/host-port.ts';

/** The values of `acknowledge`, the default first. */
export const ACKNOWLEDGEMENTS = ['memory', 'write', 'fsync'] as const;

/** Sets a policy, or replaces it. Errors: rejects when the server has no policies. */
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

/** Errors: rejects when there is no such policy. */
export async function deletePolicy(address: HostPort, name: string): Promise<void> {
  const response = await fetch(policyUrl(address, name), { method: 'DELETE' });
  if (response.ok) return;
  throw new Error(`delete policy ${name}: ${response.status} ${await response.text()}`);
}

function policyUrl({ host, port }: HostPort, name: string): string {
  return `http://${joinHostPort(host, port)}/policy/${name}`;
}
