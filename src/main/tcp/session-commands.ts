/**
 * IDENTIFY and AUTH: the commands before a client subscribes.
 *
 * Thread: main. Source: nsqd `protocolV2.IDENTIFY`, `AUTH`.
 */

import { FIELDS_BYTES_MAX } from '../../daemon/go/go-fields.ts';
import { goJson } from '../../daemon/go/go-text.ts';
import type { TlsContext } from '../../daemon/tls/tls-context.ts';
import { ClientError, type ClientErrorCode } from '../../protocol/client-error.ts';
import { responseFrame } from '../../protocol/frames.ts';
import type { AuthState } from '../auth/auth-state.ts';
import type { Options } from '../options/options.ts';
import { authQuestion } from './auth-question.ts';
import type { Compression } from './client.ts';
import type { ClientPort } from './client-port.ts';
import { NEXT, type Place, type SizedBodyHandler, type Step } from './command-handler.ts';
import {
  applyIdentify,
  type Granted,
  grantFeatures,
  identifyResponse,
  parseIdentify,
} from './identify.ts';

/** The dependencies of a session in addition to the options. */
export type SessionSetup = {
  /** Null without a certificate. */
  readonly tls: TlsContext | null;
  /** The client's settings have changed. */
  readonly onIdentified: () => void;
  /** No auth server gave a valid answer. */
  readonly onAuthFailed: (error: unknown) => void;
};

/** Most bytes of IDENTIFY's body, or of a secret. nsqd only applies the bound of all bodies. */
const BODY_BYTES_MAX = FIELDS_BYTES_MAX;
const NO_AUTHORIZATIONS = new ClientError('E_UNAUTHORIZED', 'AUTH no authorizations found');

export class SessionCommands implements SizedBodyHandler {
  readonly kind = 'sized';

  readonly #port: ClientPort;
  readonly #options: Options;
  readonly #tls: TlsContext | null;
  readonly #onIdentified: () => void;
  readonly #onAuthFailed: (error: unknown) => void;
  /** The command whose body is expected. */
  #name: 'IDENTIFY' | 'AUTH' = 'IDENTIFY';

  constructor(port: ClientPort, options: Options, setup: SessionSetup) {
    this.#port = port;
    this.#options = options;
    this.#tls = setup.tls;
    this.#onIdentified = setup.onIdentified;
    this.#onAuthFailed = setup.onAuthFailed;
  }

  onIdentify(): Step | SizedBodyHandler {
    if (!this.#isInitial) return this.#fail('E_INVALID', 'cannot IDENTIFY in current state');
    this.#name = 'IDENTIFY';
    return this;
  }

  onAuth(words: readonly string[]): Step | SizedBodyHandler {
    if (!this.#isInitial) return this.#fail('E_INVALID', 'cannot AUTH in current state');
    if (words.length > 1) return this.#fail('E_INVALID', 'AUTH invalid number of parameters');
    this.#name = 'AUTH';
    return this;
  }

  onSize(size: number): boolean {
    const max = Math.min(this.#options.maxBodySize, BODY_BYTES_MAX);
    if (size > max) return this.#refuse(`body too big ${size} > ${max}`);
    return size > 0 || this.#refuse(`invalid body size ${size}`);
  }

  onBody(bytes: Buffer, at: number, size: number): Step {
    const body = bytes.subarray(at, at + size);
    return this.#name === 'AUTH' ? this.#authenticate(body) : this.#identify(body);
  }

  cutOff(place: Place): ClientError {
    const what = place === 'size' ? 'body size' : 'body';
    return new ClientError('E_BAD_BODY', `${this.#name} failed to read ${what}`);
  }

  get #isInitial(): boolean {
    return this.#port.client.state.state === 'init';
  }

  #identify(body: Buffer): Step {
    const request = parseIdentify(body);
    if (request === undefined) {
      return this.#fail('E_BAD_BODY', 'IDENTIFY failed to decode JSON body');
    }
    const { settings } = this.#port.client;
    const reason = applyIdentify(request, settings, this.#options);
    if (reason !== undefined) return this.#fail('E_BAD_BODY', `IDENTIFY ${reason}`);
    this.#port.client.delivery ??= { ...settings };
    this.#onIdentified();
    const { responses } = this.#port;
    if (!request.feature_negotiation) {
      responses.respondOk();
      return NEXT;
    }
    const granted = grantFeatures(request, this.#options, this.#tls !== null);
    if (granted.isDeflate && granted.isSnappy) {
      return this.#fail('E_IDENTIFY_FAILED', 'cannot enable both deflate and snappy compression');
    }
    const response = responseFrame(identifyResponse(settings, this.#options, granted));
    const layers = { tls: granted.isTls ? this.#tls : null, compression: compressionOf(granted) };
    if (layers.tls === null && layers.compression === null) responses.respond(response);
    else this.#port.upgrade(response, layers);
    return NEXT;
  }

  #authenticate(secret: Buffer): Step {
    const { client } = this.#port;
    const { auth } = client;
    if (auth?.hasAuthorizations) return this.#fail('E_INVALID', 'AUTH already set');
    if (auth === null) return this.#fail('E_AUTH_DISABLED', 'AUTH disabled');
    const settle = this.#port.respondLater();
    auth.authenticate(authQuestion(client, Buffer.from(secret))).then(
      () => settle(auth.hasAuthorizations ? authResponse(auth) : NO_AUTHORIZATIONS),
      (error: unknown) => {
        this.#onAuthFailed(error);
        settle(new ClientError('E_AUTH_FAILED', 'AUTH failed'));
      },
    );
    return NEXT;
  }

  #fail(code: ClientErrorCode, text: string): Step {
    return this.#port.fail(new ClientError(code, text));
  }

  #refuse(text: string): false {
    this.#fail('E_BAD_BODY', `${this.#name} ${text}`);
    return false;
  }
}

function compressionOf({ isSnappy, isDeflate, deflateLevel }: Granted): Compression | null {
  if (isSnappy) return { kind: 'snappy' };
  return isDeflate ? { kind: 'deflate', level: deflateLevel } : null;
}

function authResponse(auth: AuthState): Buffer {
  const { identity, identityUrl, permissionCount } = auth;
  const answer = { identity, identity_url: identityUrl, permission_count: permissionCount };
  return responseFrame(Buffer.from(goJson(answer)));
}
