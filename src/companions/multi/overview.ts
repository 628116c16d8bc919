/**
 * All brokers of `ringmq multi` in one place: health, statistics, metrics and addresses.
 *
 * It passes the client's `Authorization` on to the brokers, so that it shows no more than they do.
 *
 * Bound: an answer of a broker may take ANSWER_MS; the others are shown without it. An answer is as large as those of
 * all brokers together; ANSWERS_MAX are made at the same time, and more requests are refused.
 *
 * Thread: main.
 */

import {
  type Answer,
  jsonAnswer,
  plainAnswer,
  plainJsonAnswer,
  refusal,
} from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import type { Route } from '../../daemon/http/router.ts';
import { errorText } from '../../shared/error-text.ts';
import type { SharedPorts } from './broker-plan.ts';
import type { Member } from './member.ts';
import { mergedMetrics } from './merged-metrics.ts';
import { mergedStats } from './merged-stats.ts';

/** The sources of the overview. */
export type OverviewSetup = {
  readonly members: () => readonly Member[];
  /** HTTP address of the bundled lookupd for consumers; null without it. */
  readonly lookupd: () => string | null;
  /** The shared ports. */
  readonly shared: () => SharedPorts;
};

/** A broker's answer, or why there is none. */
type Reply = { readonly member: Member; readonly status: number; readonly text: string };

const ANSWER_MS = 10_000;
const ANSWERS_MAX = 8;
const OK_STATUS = 200;
const OK = plainAnswer(OK_STATUS, 'OK');
const BUSY = refusal(503, 'TOO_MANY_REQUESTS');
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export class Overview {
  readonly routes: readonly Route[];
  readonly #setup: OverviewSetup;
  #answering = 0;

  constructor(setup: OverviewSetup) {
    this.#setup = setup;
    const get = (path: string, answer: (exchange: Exchange) => Answer | Promise<Answer>): Route => {
      return {
        method: 'GET',
        path,
        isQuiet: false,
        handle: (exchange) => this.#handle(exchange, answer),
      };
    };
    this.routes = [
      get('/livez', () => OK),
      get('/brokers', () => this.#brokers()),
      get('/ping', (exchange) => this.#health(exchange, '/ping')),
      get('/readyz', (exchange) => this.#health(exchange, '/readyz')),
      get('/stats', (exchange) => this.#stats(exchange)),
      get('/metrics', (exchange) => this.#metrics(exchange)),
    ];
  }

  #handle(exchange: Exchange, answer: (exchange: Exchange) => Answer | Promise<Answer>): void {
    if (this.#answering >= ANSWERS_MAX) {
      exchange.answer(BUSY);
      return;
    }
    this.#answering++;
    exchange.onClosed(() => this.#answering--);
    const answered = answer(exchange);
    if (answered instanceof Promise) exchange.answerWith(answered);
    else exchange.answer(answered);
  }

  #brokers(): Answer {
    const { members, lookupd } = this.#setup;
    const shared = this.#setup.shared();
    return plainJsonAnswer(OK_STATUS, {
      shared_tcp_port: shared.tcp,
      shared_http_port: shared.http,
      shared_https_port: shared.https,
      lookupd_http_address: lookupd(),
      brokers: members().map((member) => ({
        name: member.name,
        state: member.process.state,
        leaving: member.plan.isLeaving,
        pid: member.process.pid ?? null,
        restarts: member.process.restarts,
        tcp_address: member.tcpAddress,
        http_address: member.httpAddress,
        data_path: member.plan.dataPath,
      })),
    });
  }

  /** Healthy if all brokers are, except for those that leave. */
  async #health(exchange: Exchange, path: string): Promise<Answer> {
    const faults: string[] = [];
    for (const { member, status, text } of await this.#ask(exchange, path)) {
      if (status !== OK_STATUS && !member.plan.isLeaving) faults.push(`${member.name}: ${text}`);
    }
    return faults.length === 0 ? OK : plainAnswer(503, `NOK - ${faults.join('; ')}`);
  }

  async #stats(exchange: Exchange): Promise<Answer> {
    const query = exchange.rawQuery === '' ? '' : `?${exchange.rawQuery}`;
    const replies = await this.#ask(exchange, `/stats${query}`);
    const good = replies.filter(({ status }) => status === OK_STATUS);
    const [bad] = replies.filter(({ status }) => status !== OK_STATUS && status !== 0);
    // The query is invalid, or the client is not permitted.
    if (good.length === 0 && bad !== undefined) return plainAnswer(bad.status, bad.text);
    if (!isJson(good)) {
      const texts = replies.map(({ member, text }) => `== ${member.name} ==\n${text}`);
      return plainAnswer(OK_STATUS, texts.join('\n'));
    }
    const answers = good.map(({ member, text }) => ({
      name: member.name,
      stats: JSON.parse(text) as Record<string, unknown>,
    }));
    const down = replies.filter(({ status }) => status !== OK_STATUS);
    const names = down.map(({ member }) => member.name);
    return jsonAnswer(mergedStats(answers, names));
  }

  async #metrics(exchange: Exchange): Promise<Answer> {
    const replies = await this.#ask(exchange, '/metrics');
    const answers = replies
      .filter(({ status }) => status === OK_STATUS)
      .map(({ member, text }) => ({ name: member.name, text }));
    const own = this.#setup.members().map((member) => ({
      name: member.name,
      text: ownMetrics(member),
    }));
    const answer = plainAnswer(OK_STATUS, mergedMetrics([...own, ...answers]));
    return { ...answer, headers: ['Content-Type', METRICS_TYPE, ...answer.headers.slice(2)] };
  }

  #ask(exchange: Exchange, path: string): Promise<Reply[]> {
    const authorization = exchange.header('authorization');
    return Promise.all(
      this.#setup.members().map(async (member): Promise<Reply> => {
        const { httpAddress, process } = member;
        if (httpAddress === null) return { member, status: 0, text: `it is ${process.state}` };
        try {
          const response = await fetch(`http://${httpAddress}${path}`, {
            signal: AbortSignal.timeout(ANSWER_MS),
            ...(authorization !== undefined && { headers: { authorization } }),
          });
          return { member, status: response.status, text: await response.text() };
        } catch (error) {
          return { member, status: 0, text: errorText(error) };
        }
      }),
    );
  }
}

function isJson(replies: readonly Reply[]): boolean {
  return replies.length > 0 && replies.every(({ text }) => text.startsWith('{'));
}

function ownMetrics({ process }: Member): string {
  return [
    '# HELP ringmq_multi_broker_serving Whether the broker serves.',
    '# TYPE ringmq_multi_broker_serving gauge',
    `ringmq_multi_broker_serving ${process.state === 'serving' ? 1 : 0}`,
    '# HELP ringmq_multi_broker_restarts_total Starts of the broker after a crash.',
    '# TYPE ringmq_multi_broker_restarts_total counter',
    `ringmq_multi_broker_restarts_total ${process.restarts}`,
  ].join('\n');
}
