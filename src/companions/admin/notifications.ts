/**
 * Reports what admins do to another program: one request for each action, one at a time.
 *
 * Bound: WAITING_MAX; beyond it further notifications are dropped and logged.
 *
 * Thread: main.
 * Source: nsqadmin `notify.go`. Differs in the bound, and in keeping the order.
 */

import { goJson } from '../../daemon/go/go-text.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import type { HttpClient } from '../../daemon/http-client.ts';
import type { Logger } from '../../daemon/log.ts';
import { RepeatedLog } from '../../daemon/repeated-log.ts';
import { rethrowBug } from '../../shared/assert.ts';
import type { Clock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';

/** What was done. */
type AdminAction = {
  readonly action: string;
  readonly topic: string;
  readonly channel?: string;
  readonly node?: string;
};

/** The dependencies. */
type NotificationsSetup = {
  /** Empty: nothing is sent. */
  readonly endpoint: string;
  readonly hostname: string;
  readonly client: Pick<HttpClient, 'post'>;
  readonly clock: Clock;
  readonly logger: Logger;
};

const WAITING_MAX = 1000;
const NS_PER_SECOND = 1_000_000_000n;
const BASIC = /^Basic (.*)$/;

export class Notifications {
  readonly #setup: NotificationsSetup;
  readonly #losses: RepeatedLog;
  readonly #waiting: string[] = [];
  #isSending = false;

  constructor(setup: NotificationsSetup) {
    this.#setup = setup;
    this.#losses = new RepeatedLog(setup.clock, (text) => setup.logger.warn(text));
  }

  /** Reports an action and the request that caused it. */
  add(exchange: Exchange, { action, topic, channel = '', node = '' }: AdminAction): void {
    const { endpoint, hostname, clock } = this.#setup;
    if (endpoint === '') return;
    if (this.#waiting.length >= WAITING_MAX) {
      this.#losses.note(`dropped a notification of ${action}: ${WAITING_MAX} wait`);
      return;
    }
    const user = basicUser(exchange.header('authorization') ?? '');
    const scheme = exchange.header('x-scheme') === 'https' ? 'https' : 'http';
    this.#waiting.push(
      goJson({
        action,
        topic,
        ...(channel !== '' && { channel }),
        ...(node !== '' && { node }),
        timestamp: Number(clock.unixNs() / NS_PER_SECOND),
        ...(user !== '' && { user }),
        remote_ip: exchange.remoteAddress,
        user_agent: exchange.header('user-agent') ?? '',
        url: `${scheme}://${exchange.header('host') ?? ''}${exchange.target}`,
        via: hostname,
      }),
    );
    if (!this.#isSending) void this.#send();
  }

  async #send(): Promise<void> {
    const { endpoint, client, logger } = this.#setup;
    this.#isSending = true;
    for (let text = this.#waiting.shift(); text !== undefined; text = this.#waiting.shift()) {
      logger.info(`POSTing notification to ${endpoint}`);
      try {
        await client.post(endpoint, { type: 'application/json', text });
      } catch (error) {
        rethrowBug(error);
        logger.error(`failed to POST notification - ${errorText(error)}`);
      }
    }
    this.#isSending = false;
  }
}

/** The user name of HTTP basic authentication; empty without one. */
function basicUser(authorization: string): string {
  const encoded = BASIC.exec(authorization)?.[1];
  if (encoded === undefined) return '';
  const pair = Buffer.from(encoded, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon === -1 ? '' : pair.slice(0, colon);
}
