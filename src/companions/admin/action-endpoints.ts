/**
 * Changes to topics, channels and nodes, under `/api`: for admins only.
 *
 * Thread: main.
 * Source: nsqadmin `http.go`.
 */

import { type Answer, refusal } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import type { Route } from '../../daemon/http/router.ts';
import { parseChannelName, parseTopicName } from '../../shared/names.ts';
import { type AdminContext, answerAsked, isAdmin, Warnings } from './admin-context.ts';
import {
  FORBIDDEN,
  INVALID_ACTION,
  INVALID_BODY,
  INVALID_CHANNEL,
  INVALID_TOPIC,
} from './admin-refusals.ts';
import { gatherFields } from './request-body.ts';

/** The dependencies. */
type ActionContext = AdminContext & {
  /** Called after each action. */
  readonly changed: () => void;
};

type Action = 'pause' | 'unpause' | 'empty';

const ACTIONS: readonly Action[] = ['pause', 'unpause', 'empty'];

/** The endpoints. */
export function actionRoutes(context: ActionContext): Route[] {
  const route = (
    method: 'POST' | 'DELETE',
    path: string,
    handle: (exchange: Exchange) => void,
  ): Route => {
    return {
      method,
      path: `/api${path}`,
      isQuiet: false,
      handle: (exchange) => {
        if (isAdmin(exchange, context.options)) handle(exchange);
        else exchange.answer(FORBIDDEN);
      },
    };
  };
  return [
    route('POST', '/topics', (exchange) => create(context, exchange)),
    route('POST', '/topics/:topic', (exchange) => act(context, exchange)),
    route('POST', '/topics/:topic/:channel', (exchange) => act(context, exchange)),
    route('DELETE', '/topics/:topic', (exchange) => remove(context, exchange)),
    route('DELETE', '/topics/:topic/:channel', (exchange) => remove(context, exchange)),
    route('DELETE', '/nodes/:node', (exchange) => tombstone(context, exchange)),
  ];
}

function create(context: ActionContext, exchange: Exchange): void {
  gatherFields(exchange, ['topic', 'channel'], (body) => {
    if ('fault' in body) return exchange.answer(refusal(400, body.fault));
    const { topic, channel } = body.fields;
    if (parseTopicName(topic) === undefined) return exchange.answer(INVALID_TOPIC);
    if (channel !== '' && parseChannelName(channel) === undefined) {
      return exchange.answer(INVALID_CHANNEL);
    }
    carryOut(context, exchange, 'create topic/channel', async () => {
      const errors = await context.cluster.create(topic, channel);
      context.notifications.add(exchange, { action: 'create_topic', topic });
      if (channel !== '') {
        context.notifications.add(exchange, { action: 'create_channel', topic, channel });
      }
      return errors;
    });
  });
}

function act(context: ActionContext, exchange: Exchange): void {
  gatherFields(exchange, ['action'], (body) => {
    if ('fault' in body) return exchange.answer(refusal(400, body.fault));
    const action = ACTIONS.find((one) => one === body.fields.action);
    if (action === undefined) return exchange.answer(INVALID_ACTION);
    const { topic, channel, kind } = queueOf(exchange);
    carryOut(context, exchange, `${action} topic/channel`, async () => {
      try {
        return await context.cluster.act(action, topic, channel);
      } finally {
        // A failed action is notified too.
        context.notifications.add(exchange, { action: `${action}_${kind}`, topic, channel });
      }
    });
  });
}

function remove(context: ActionContext, exchange: Exchange): void {
  const { topic, channel, kind } = queueOf(exchange);
  carryOut(context, exchange, `delete ${kind}`, async () => {
    const errors = await context.cluster.delete(topic, channel);
    context.notifications.add(exchange, { action: `delete_${kind}`, topic, channel });
    return errors;
  });
}

function tombstone(context: ActionContext, exchange: Exchange): void {
  const node = exchange.param;
  gatherFields(exchange, ['topic'], (body) => {
    if ('fault' in body) return exchange.answer(INVALID_BODY);
    const { topic } = body.fields;
    if (parseTopicName(topic) === undefined) return exchange.answer(INVALID_TOPIC);
    carryOut(context, exchange, 'tombstone node for topic', async () => {
      const errors = await context.cluster.tombstone(topic, node);
      context.notifications.add(exchange, { action: 'tombstone_topic_producer', topic, node });
      return errors;
    });
  });
}

/** Answers with the failures of some servers as a warning. */
function carryOut(
  context: ActionContext,
  exchange: Exchange,
  task: string,
  work: () => Promise<readonly string[]>,
): void {
  answerAsked(exchange, context, task, async (): Promise<Answer> => {
    const warnings = new Warnings(context.logger);
    try {
      warnings.add({ value: null, errors: await work() });
    } finally {
      context.changed();
    }
    return warnings.answer({});
  });
}

/** The topic, or topic and channel, of the path. */
function queueOf({ param }: Exchange): {
  readonly topic: string;
  readonly channel: string;
  readonly kind: 'topic' | 'channel';
} {
  const [topic, channel = ''] = param.split('/');
  return { topic, channel, kind: channel === '' ? 'topic' : 'channel' };
}
