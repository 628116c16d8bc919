/**
 * What the endpoints share, and how they report the answers of other servers.
 *
 * Thread: main.
 */

import { type Answer, jsonAnswer, refusal } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import type { Logger } from '../../daemon/log.ts';
import type { AdminOptions } from './admin-options.ts';
import type { Cluster } from './cluster.ts';
import type { Notifications } from './notifications.ts';
import { UpstreamError } from './upstream.ts';

/** What the endpoints share. */
export type AdminContext = {
  readonly options: AdminOptions;
  readonly cluster: Cluster;
  readonly notifications: Notifications;
  readonly logger: Logger;
};

/**
 * Answers with what `work` resolves with, or with a failure if no server answered. `task` names the failed work in the
 * log.
 */
export function answerAsked(
  exchange: Exchange,
  { logger }: Pick<AdminContext, 'logger'>,
  task: string,
  work: () => Promise<Answer>,
): void {
  exchange.answerWith(
    work().catch((error: unknown) => {
      if (!(error instanceof UpstreamError)) throw error;
      logger.error(`failed to ${task} - ${error.message}`);
      return refusal(502, `UPSTREAM_ERROR: ${error.message}`);
    }),
  );
}

/** Collects the failures of some of the servers. */
export class Warnings {
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #texts: string[] = [];

  constructor(logger: Pick<Logger, 'warn'>) {
    this.#logger = logger;
  }

  /** Records the failures of one query; returns the answers of the other servers. */
  add<T>({ value, errors }: { readonly value: T; readonly errors: readonly string[] }): T {
    if (errors.length > 0) {
      const text = errors.join('\n');
      this.#logger.warn(text);
      this.#texts.push(text);
    }
    return value;
  }

  /** The answer, with all of the failures as its message. */
  answer(value: object): Answer {
    const message = this.#texts.length === 0 ? '' : `WARNING: ${this.#texts.join('; ')}`;
    return jsonAnswer({ ...value, message });
  }
}

/** Whether this client may change anything. */
export function isAdmin(exchange: Exchange, options: AdminOptions): boolean {
  const { adminUser: users, aclHttpHeader } = options;
  if (users.length === 0) return true;
  return users.includes(exchange.header(aclHttpHeader.toLowerCase()) ?? '');
}
