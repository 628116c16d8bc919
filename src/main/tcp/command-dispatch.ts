/**
 * Passes each command to the part of the broker that handles it.
 *
 * Thread: main. Source: nsqd `protocolV2.Exec`.
 */

import { ClientError } from '../../protocol/client-error.ts';
import { splitWords, wordBytes } from '../../protocol/command-words.ts';
import type { Options } from '../options/options.ts';
import type { Traffic } from '../stats/traffic.ts';
import type { Publisher } from '../topics/publisher.ts';
import type { TopicMap } from '../topics/topic-map.ts';
import { Authorization } from './authorization.ts';
import type { ClientPort } from './client-port.ts';
import {
  type BatchBodyHandler,
  type CommandHandler,
  NEXT,
  type SizedBodyHandler,
  type Step,
  WAIT,
} from './command-handler.ts';
import { ConsumerCommands } from './consumer-commands.ts';
import { isHttp } from './http-hint.ts';
import { BatchCommands, ClientPublisher, PublishCommands } from './publish-commands.ts';
import { SessionCommands, type SessionSetup } from './session-commands.ts';

const MAGIC = Buffer.from('  V2');

/** Events that a connection handles. */
export type DispatchListener = SessionSetup & {
  /** Counts the commands. */
  readonly traffic: Traffic;
  /** The magic was valid. */
  readonly onStarted: () => void;
  readonly onLineTooLong: () => void;
  /** The client speaks HTTP. */
  readonly onHttp: () => void;
};

export class CommandDispatch implements CommandHandler {
  readonly #port: ClientPort;
  readonly #listener: DispatchListener;
  readonly #traffic: Traffic;
  /** Whether only IDENTIFY is allowed without TLS. */
  readonly #isTlsRequired: boolean;
  readonly #publishing: PublishCommands;
  readonly #batches: BatchCommands;
  readonly #consuming: ConsumerCommands;
  readonly #session: SessionCommands;

  constructor(
    port: ClientPort,
    topics: TopicMap,
    publisher: Publisher,
    options: Options,
    listener: DispatchListener,
  ) {
    const authorization = new Authorization(port, port.client.auth);
    this.#port = port;
    this.#listener = listener;
    this.#traffic = listener.traffic;
    this.#isTlsRequired = options.tlsRequired !== false;
    const publishing = new ClientPublisher(port, topics, publisher, authorization);
    this.#publishing = new PublishCommands(port, publishing, options);
    this.#batches = new BatchCommands(port, publishing, options);
    this.#consuming = new ConsumerCommands(port, topics, options, authorization);
    this.#session = new SessionCommands(port, options, listener);
  }

  onMagic(bytes: Buffer, at: number): boolean {
    if (bytes.compare(MAGIC, 0, MAGIC.length, at, at + MAGIC.length) === 0) {
      this.#listener.onStarted();
      return true;
    }
    if (isHttp(bytes, at)) this.#listener.onHttp();
    else this.#port.fail(new ClientError('E_BAD_PROTOCOL', ''));
    return false;
  }

  onLine(bytes: Buffer, at: number, end: number): Step | SizedBodyHandler | BatchBodyHandler {
    const words = splitWords(bytes, at, end);
    if (this.#isTlsMissing && words[0] !== 'IDENTIFY') return this.#refuseWithoutTls(words[0]);
    switch (words[0]) {
      case 'PUB':
        this.#traffic.pub++;
        return this.#publishing.onPub(words);
      case 'MPUB':
        this.#traffic.mpub++;
        return this.#batches.onMpub(words);
      case 'DPUB':
        this.#traffic.dpub++;
        return this.#publishing.onDpub(words);
      case 'FIN':
        return this.#consuming.onFin(words);
      case 'RDY':
        return this.#consuming.onRdy(words);
      case 'REQ':
        return this.#consuming.onReq(words);
      case 'TOUCH':
        return this.#consuming.onTouch(words);
      case 'NOP':
        this.#traffic.nop++;
        return NEXT;
      default:
        // As in nsqd, these take effect only when everything before them is answered.
        if (this.#port.responses.isPending) return WAIT;
        return this.#counted(words[0], this.#onRareLine(words));
    }
  }

  onFinish(idHigh: number, idLow: number): Step {
    if (this.#isTlsMissing) return this.#refuseWithoutTls('FIN');
    return this.#consuming.onFinish(idHigh, idLow);
  }

  onLineTooLong(): void {
    this.#listener.onLineTooLong();
  }

  get #isTlsMissing(): boolean {
    return this.#isTlsRequired && this.#port.client.tls === null;
  }

  #refuseWithoutTls(word: string): Step {
    const text = [
      Buffer.from('cannot '),
      wordBytes(word),
      Buffer.from(' in current state (TLS required)'),
    ];
    return this.#port.fail(new ClientError('E_INVALID', Buffer.concat(text)));
  }

  /** Counts a command, unless it waits and will be handed over again. */
  #counted(word: string, step: Step | SizedBodyHandler): Step | SizedBodyHandler {
    if (step === WAIT) return step;
    switch (word) {
      case 'SUB':
        this.#traffic.sub++;
        break;
      case 'CLS':
        this.#traffic.cls++;
        break;
      case 'IDENTIFY':
        this.#traffic.identify++;
        break;
      case 'AUTH':
        this.#traffic.auth++;
        break;
      default:
        this.#traffic.unknown++;
    }
    return step;
  }

  #onRareLine(words: readonly string[]): Step | SizedBodyHandler {
    switch (words[0]) {
      case 'SUB':
        return this.#consuming.onSub(words);
      case 'CLS':
        return this.#consuming.onCls();
      case 'IDENTIFY':
        return this.#session.onIdentify();
      case 'AUTH':
        return this.#session.onAuth(words);
      default: {
        const text = [Buffer.from('invalid command '), wordBytes(words[0])];
        return this.#port.fail(new ClientError('E_INVALID', Buffer.concat(text)));
      }
    }
  }
}
