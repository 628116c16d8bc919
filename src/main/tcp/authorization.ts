/**
 * Checks a client's commands against its authorization, if auth servers are configured.
 *
 * Thread: main. Source: nsqd `protocolV2.CheckAuth`.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { ClientError, type ClientErrorCode } from '../../protocol/client-error.ts';
import { rethrowBug } from '../../shared/assert.ts';
import type { AuthState } from '../auth/auth-state.ts';
import type { Permission } from '../auth/grant.ts';
import { authQuestion } from './auth-question.ts';
import type { ClientPort } from './client-port.ts';
import { type Step, WAIT } from './command-handler.ts';

/** The commands that are checked. */
type CheckedCommand = 'SUB' | 'PUB' | 'MPUB' | 'DPUB';

const NO_SECRET = Buffer.alloc(0);

export class Authorization {
  readonly #port: ClientPort;
  readonly #charge: (cost: number) => void;
  /** Null without auth servers: then everything is permitted. */
  readonly #state: AuthState | null;
  /** Whether the last renewal of an expired authorization failed. */
  #hasRefreshFailed = false;

  constructor(port: ClientPort, state: AuthState | null) {
    this.#port = port;
    this.#charge = (cost) => port.charge(cost);
    this.#state = state;
  }

  /** Whether bodies need not be read, because a required AUTH is missing. */
  get isMissing(): boolean {
    const state = this.#state;
    if (state === null || state.hasAuthorizations || this.#port.responses.isPending) return false;
    return !this.#admit(state);
  }

  /** Returns undefined if the command is permitted, otherwise the result of its error, or WAIT. */
  refuse(
    command: CheckedCommand,
    permission: Permission,
    topic: string,
    channel: string,
  ): Step | undefined {
    const state = this.#state;
    if (state === null) return undefined;
    if (!state.hasAuthorizations) {
      // The answer to AUTH may be pending; the command is then handed over again.
      if (this.#port.responses.isPending) return WAIT;
      if (this.#admit(state)) return this.refuse(command, permission, topic, channel);
      return this.#fail('E_AUTH_FIRST', `AUTH required before ${command}`);
    }
    if (this.#hasRefreshFailed) return this.#fail('E_AUTH_FAILED', 'AUTH failed');
    if (state.isExpired) {
      return this.#port.waitFor(
        state.refresh().catch((error: unknown) => {
          rethrowBug(error);
          this.#hasRefreshFailed = true;
        }),
      );
    }
    if (state.isAllowed(permission, topic, channel, this.#charge)) return undefined;
    const what = `${command} on ${goQuote(topic)} ${goQuote(channel)}`;
    return this.#fail('E_UNAUTHORIZED', `AUTH failed for ${what}`);
  }

  /** A certificate may replace AUTH. */
  #admit(state: AuthState): boolean {
    return state.admit(authQuestion(this.#port.client, NO_SECRET));
  }

  #fail(code: ClientErrorCode, text: string): Step {
    return this.#port.fail(new ClientError(code, text));
  }
}
