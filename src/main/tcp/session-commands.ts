/**
 * IDENTIFY and AUTH: what a client says of itself before it subscribes.
 *
 * Thread: main. Source: nsqd `protocolV2.IDENTIFY`, `AUTH`; tcp-protocol.md §7.
 */

import type { Options } from '../options/options.ts';
import { ClientError, type ClientErrorCode } from './client-error.ts';
import type { ClientPort } from './client-port.ts';
import { BODY, type Place, type Step } from './command-parser.ts';
import { responseFrame } from './frames.ts';
import { applyIdentify, identifyResponse, parseIdentify } from './identify.ts';

export class SessionCommands {
  readonly #port: ClientPort;
  readonly #options: Options;
  /** Called when the client's settings have changed. */
  readonly #onIdentified: () => void;
  /** The command whose body is expected. */
  #name: 'IDENTIFY' | 'AUTH' = 'IDENTIFY';

  constructor(port: ClientPort, options: Options, onIdentified: () => void) {
    this.#port = port;
    this.#options = options;
    this.#onIdentified = onIdentified;
  }

  onIdentify(): Step {
    if (!this.#isInitial) return this.#fail('E_INVALID', 'cannot IDENTIFY in current state');
    this.#name = 'IDENTIFY';
    return BODY;
  }

  onAuth(words: readonly string[]): Step {
    if (!this.#isInitial) return this.#fail('E_INVALID', 'cannot AUTH in current state');
    if (words.length > 1) return this.#fail('E_INVALID', 'AUTH invalid number of parameters');
    this.#name = 'AUTH';
    return BODY;
  }

  onBodySize(size: number): boolean {
    const { maxBodySize } = this.#options;
    if (size > maxBodySize) return this.#refuse(`body too big ${size} > ${maxBodySize}`);
    return size > 0 || this.#refuse(`invalid body size ${size}`);
  }

  onBody(bytes: Buffer, at: number, size: number): Step {
    if (this.#name === 'AUTH') return this.#fail('E_AUTH_DISABLED', 'AUTH disabled');
    return this.#identify(bytes.subarray(at, at + size));
  }

  /** What to answer when the input ends inside a body. */
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
    this.#onIdentified();
    if (!request.feature_negotiation) return this.#port.respondOk();
    const { deflate, snappy } = this.#options;
    if (request.deflate && deflate && request.snappy && snappy) {
      return this.#fail('E_IDENTIFY_FAILED', 'cannot enable both deflate and snappy compression');
    }
    return this.#port.respond(responseFrame(identifyResponse(settings, this.#options)));
  }

  #fail(code: ClientErrorCode, text: string): Step {
    return this.#port.fail(new ClientError(code, text));
  }

  #refuse(text: string): false {
    this.#fail('E_BAD_BODY', `${this.#name} ${text}`);
    return false;
  }
}
