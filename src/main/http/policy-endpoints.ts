/**
 * Policies at run time: lists, sets and removes them, and shows their combined effect on a topic or channel.
 *
 * Bound: a policy has 64 KiB.
 *
 * Thread: main.
 */

import { parseJson } from '../../daemon/go/json.ts';
import { routesFor } from '../../daemon/http/access.ts';
import { type Answer, DONE, jsonAnswer } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import type { Logger } from '../../daemon/log.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { rethrowBug } from '../../shared/assert.ts';
import { errorText } from '../../shared/error-text.ts';
import { parseChannelName, parseTopicName } from '../../shared/names.ts';
import { effectiveValues } from '../policies/effective.ts';
import type { SourcedPolicy } from '../policies/policies.ts';
import { parsePolicy, policyJson } from '../policies/policy.ts';
import { PolicyRefused, type PolicyStore } from '../policies/policy-store.ts';
import { withReason } from './messages/message-query.ts';
import {
  INVALID_ARG_CHANNEL,
  INVALID_TOPIC,
  MISSING_ARG_TOPIC,
  POLICY_NOT_FOUND,
} from './refusals.ts';

type Setup = {
  readonly policies: PolicyStore;
  /** `--config-http`. */
  readonly configHttp: string;
  readonly logger: Logger;
};

/** Most bytes of a policy. */
const POLICY_BYTES_MAX = 64 * 1024;

/** The endpoints under `/policy`. */
export function policyRoutes({ policies, configHttp, logger }: Setup): Route[] {
  const at = (method: Route['method'], path: string, handle: Route['handle']): Route => {
    return { method, path, isQuiet: false, handle };
  };
  return routesFor(configHttp, [
    at('GET', '/policy', (exchange) => {
      exchange.answer(jsonAnswer({ policies: policies.policies.list().map(sourcedJson) }));
    }),
    at('GET', '/policy/effective', (exchange) => exchange.answer(effective(policies, exchange))),
    at('GET', '/policy/:name', (exchange) => exchange.answer(show(policies, exchange.param))),
    at('PUT', '/policy/:name', (exchange) => {
      exchange.gather(0, POLICY_BYTES_MAX, ({ bytes, isWhole }) => {
        const text = isWhole ? bytes.toString() : undefined;
        exchange.answerWith(put(policies, exchange.param, text, logger));
      });
    }),
    at('DELETE', '/policy/:name', (exchange) => {
      exchange.answerWith(remove(policies, exchange.param, logger));
    }),
  ]);
}

function show({ policies }: PolicyStore, name: string): Answer {
  const policy = policies.get(name);
  return policy === undefined ? POLICY_NOT_FOUND : jsonAnswer(sourcedJson(policy));
}

async function put(
  store: PolicyStore,
  name: string,
  text: string | undefined,
  logger: Logger,
): Promise<Answer> {
  if (text === undefined) return invalid(`a policy has at most ${POLICY_BYTES_MAX} bytes`);
  const given = parseJson(text);
  if (given === undefined) return invalid('the body is not JSON');
  const policy = parsePolicy(name, given);
  if (policy instanceof InvalidValue) return invalid(policy.why);
  const failure = await change(store.put(policy), logger);
  return failure ?? show(store, name);
}

async function remove(store: PolicyStore, name: string, logger: Logger): Promise<Answer> {
  if (store.policies.get(name) === undefined) return POLICY_NOT_FOUND;
  return (await change(store.remove(name), logger)) ?? DONE;
}

/** The response to a change that failed; undefined if it succeeded. */
async function change(changing: Promise<void>, logger: Logger): Promise<Answer | undefined> {
  try {
    await changing;
    return undefined;
  } catch (error) {
    rethrowBug(error);
    if (error instanceof PolicyRefused) return invalid(error.message);
    logger.error(`failed to change a policy - ${errorText(error)}`);
    return withReason(500, 'INTERNAL_ERROR', errorText(error));
  }
}

/** Each key that applies to the topic or channel: its value, and the policy that decides it, or null. */
function effective(store: PolicyStore, exchange: Exchange): Answer {
  const query = Query.parse(exchange.rawQuery);
  if (query === undefined) return INVALID_REQUEST;
  const topicText = query.get('topic');
  const channelText = query.get('channel');
  if (topicText === undefined) return MISSING_ARG_TOPIC;
  const topic = parseTopicName(topicText);
  if (topic === undefined) return INVALID_TOPIC;
  const channel = channelText === undefined ? null : parseChannelName(channelText);
  if (channel === undefined) return INVALID_ARG_CHANNEL;
  const keys = effectiveValues(store.policies, topic, channel);
  return jsonAnswer({ topic, channel, keys });
}

function sourcedJson({ policy, source }: SourcedPolicy): object {
  return { ...policyJson(policy), source };
}

function invalid(reason: string): Answer {
  return withReason(400, 'INVALID_POLICY', reason);
}
