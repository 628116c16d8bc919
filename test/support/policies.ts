/**
 * Policies of a running broker, over HTTP.
 *
 * Thread: main.
 */

import type { BrokerProcess } from '../../scripts/kit/broker.ts';

/** A policy as it is sent: a pattern, and keys next to it. */
export type PolicyBody = { readonly pattern: string } & Readonly<Record<string, unknown>>;

/** The answer of the broker. */
export type PolicyAnswer = { readonly status: number; readonly json: unknown };

/** Sets a policy that the broker must accept. */
export async function setPolicy(
  broker: BrokerProcess,
  name: string,
  policy: PolicyBody,
): Promise<void> {
  const answer = await askPolicies(broker, 'PUT', `/policy/${name}`, policy);
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.json)}`);
}

/** Sends a request to an endpoint of policies; a body other than text is sent as JSON. */
export async function askPolicies(
  { httpPort }: BrokerProcess,
  method: string,
  path: string,
  body?: unknown,
): Promise<PolicyAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const init = body === undefined ? { method } : { method, body: text };
  const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, init);
  const answer = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, json: isJson ? JSON.parse(answer) : answer };
}
