/** What an `OK` of the measured broker means: a policy of RingMQ, which other servers do not have. */

import { type HostPort, joinHostPort } from '../../src/daemon/host-port.ts';

/** The values of the policy's key, the default first. */
export const ACKNOWLEDGEMENTS = ['memory', 'write', 'fsync'] as const;
export type Acknowledgement = (typeof ACKNOWLEDGEMENTS)[number];

/** Sets the policy for all topics. Errors: rejects when the server has no policies. */
export async function setAcknowledgement(
  { host, port }: HostPort,
  acknowledge: Acknowledgement,
): Promise<void> {
  const url = `http://${joinHostPort(host, port)}/policy/bench`;
  const body = JSON.stringify({ pattern: '*', definition: { acknowledge } });
  const response = await fetch(url, { method: 'PUT', body });
  if (response.ok) return;
  throw new Error(`set acknowledge=${acknowledge}: ${response.status} ${await response.text()}`);
}
