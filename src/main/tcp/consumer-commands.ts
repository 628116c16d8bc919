/**
 * SUB, RDY, FIN, REQ, TOUCH and CLS.
 *
 * Thread: main. Source: nsqd `protocolV2.SUB` and so on.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { ClientError, type ClientErrorCode } from '../../protocol/client-error.ts';
import { parseDigits, toDurationMs, toInt64, wordBytes } from '../../protocol/command-words.ts';
import { CLOSE_WAIT_FRAME } from '../../protocol/frames.ts';
import { MESSAGE_ID_BYTES } from '../../shared/limits.ts';
import { NOT_HEX, parseHexWord } from '../../shared/message-id.ts';
import { parseChannelName, parseTopicName } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import type { PumpHandle } from '../pumps/pump-handle.ts';
import { brokerChannels } from '../stats/broker-channels.ts';
import { whenChannelStored } from '../topics/stored.ts';
import { subscribe } from '../topics/subscribing.ts';
import type { ChannelHandle, TopicMap } from '../topics/topic-map.ts';
import type { Authorization } from './authorization.ts';
import { tellFinish, tellRequeue } from './client-events.ts';
import type { ClientPort } from './client-port.ts';
import { NEXT, type Step, WAIT } from './command-handler.ts';
import { localityOf } from './locality.ts';
import type { ResponseOrder } from './response-order.ts';

/** An id as sent, and as two words; NOT_HEX for an id that no message can have. */
type SentId = { bytes: Buffer; high: number; low: number };

export class ConsumerCommands {
  readonly #port: ClientPort;
  readonly #topics: TopicMap;
  readonly #options: Options;
  readonly #authorization: Authorization;
  readonly #responses: ResponseOrder;
  /** The SUB that waits for the store, and its answer: an error, or null if it has the channel. */
  #stored: 'waiting' | { readonly error: string | null } | null = null;

  constructor(port: ClientPort, topics: TopicMap, options: Options, authorization: Authorization) {
    this.#authorization = authorization;
    this.#port = port;
    this.#responses = port.responses;
    this.#topics = topics;
    this.#options = options;
  }

  /** After WAIT it is handed over again. */
  onSub(words: readonly string[]): Step {
    const { client } = this.#port;
    // Reading may continue for another reason, such as the client's next share of a turn.
    if (this.#stored === 'waiting') return WAIT;
    if (this.#stored !== null) return this.#onStored(this.#stored.error);
    if (client.state.state !== 'init') return this.#wrongState('SUB');
    if (client.settings.heartbeatIntervalMs === 0) {
      return this.#invalid('cannot SUB with heartbeats disabled');
    }
    if (words.length < 3) return this.#invalid('SUB insufficient number of parameters');
    const topicName = parseTopicName(words[1]);
    if (topicName === undefined) return this.#badName('E_BAD_TOPIC', 'topic', words[1]);
    const channelName = parseChannelName(words[2]);
    if (channelName === undefined) return this.#badName('E_BAD_CHANNEL', 'channel', words[2]);

    const refused = this.#authorization.refuse('SUB', 'subscribe', topicName, channelName);
    if (refused !== undefined) return refused;

    const topic = this.#topics.get(topicName);
    if (topic?.channels.has(channelName) !== true && !this.#topics.creations.tryTake()) {
      return this.#port.waitUntilWritable((listener) => this.#topics.creations.wait(listener));
    }
    const delivery = client.delivery ?? client.settings;
    const joined = subscribe(this.#topics, this.#options, {
      topic: topicName,
      channel: channelName,
      member: this.#port.member,
      msgTimeoutMs: delivery.msgTimeoutMs,
      sampleRate: delivery.sampleRate,
      locality: localityOf(delivery, this.#options),
    });
    if (joined instanceof ClientError) return this.#port.fail(joined);
    client.state = { state: 'subscribed', channel: joined };
    const stored = whenChannelStored(joined);
    if (stored === null) return this.#onStored(null);
    this.#stored = 'waiting';
    const onStored = (error: string | null): void => {
      this.#stored = { error };
    };
    return this.#port.waitFor(stored.then(onStored));
  }

  /** From now on the store keeps published messages for the channel. */
  #onStored(error: string | null): Step {
    this.#stored = null;
    if (error !== null) {
      return this.#port.fail(new ClientError('E_SUB_FAILED', `SUB failed ${error}`));
    }
    this.#responses.respondOk();
    return NEXT;
  }

  onRdy(words: readonly string[]): Step {
    const { state } = this.#port.client;
    if (state.state === 'closing') return NEXT;
    if (state.state !== 'subscribed') return this.#wrongState('RDY');
    const word = words[1];
    const parsed = word === undefined ? 1 : parseDigits(word);
    if (parsed === undefined) return this.#unparsable('RDY could not parse count ', word);
    const count = toInt64(parsed);
    const { maxRdyCount } = this.#options;
    if (count < 0n || count > BigInt(maxRdyCount)) {
      return this.#invalid(`RDY count ${count} out of range 0-${maxRdyCount}`);
    }
    const { pump } = state.channel.topic;
    if (!pump.hasCommandRoom()) return this.#waitUntilWritable(pump);
    pump.setReady(this.#port.client.number, Number(count));
    return NEXT;
  }

  /** A FIN with a well-formed id. */
  onFinish(idHigh: number, idLow: number): Step {
    const channel = this.#channel();
    if (channel === null) return this.#wrongState('FIN');
    if (this.#responses.isPending) return WAIT;
    const { pump } = channel.topic;
    if (!pump.hasCommandRoom()) return this.#waitUntilWritable(pump);
    this.#responses.expectRefusal(pump);
    pump.finish(this.#port.client.number, idHigh, idLow);
    if (brokerChannels.finish.hasSubscribers) tellFinish(this.#port.client, idHigh, idLow);
    return NEXT;
  }

  onFin(words: readonly string[]): Step {
    const channel = this.#channel();
    if (channel === null) return this.#wrongState('FIN');
    if (words.length < 2) return this.#invalid('FIN insufficient number of params');
    const id = parseId(words[1]);
    if (id === null) return this.#invalid('invalid message ID');
    if (id.high !== NOT_HEX) return this.onFinish(id.high, id.low);
    if (this.#responses.isPending) return WAIT;
    return this.#refuseUnknown('E_FIN_FAILED', 'FIN', id);
  }

  onReq(words: readonly string[]): Step {
    const channel = this.#channel();
    if (channel === null) return this.#wrongState('REQ');
    if (words.length < 3) return this.#invalid('REQ insufficient number of params');
    const id = parseId(words[1]);
    if (id === null) return this.#invalid('invalid message ID');
    const parsed = parseDigits(words[2]);
    if (parsed === undefined) return this.#unparsable('REQ could not parse timeout ', words[2]);
    if (this.#responses.isPending) return WAIT;
    if (id.high === NOT_HEX) return this.#refuseUnknown('E_REQ_FAILED', 'REQ', id);
    const delayMs = Math.min(Math.max(0, toDurationMs(parsed)), this.#options.maxReqTimeoutMs);
    const { pump } = channel.topic;
    if (!pump.hasCommandRoom()) return this.#waitUntilWritable(pump);
    this.#responses.expectRefusal(pump);
    pump.requeue(this.#port.client.number, id.high, id.low, delayMs);
    if (brokerChannels.requeue.hasSubscribers) {
      tellRequeue(this.#port.client, id.high, id.low, delayMs);
    }
    return NEXT;
  }

  onTouch(words: readonly string[]): Step {
    const channel = this.#channel();
    if (channel === null) return this.#wrongState('TOUCH');
    if (words.length < 2) return this.#invalid('TOUCH insufficient number of params');
    const id = parseId(words[1]);
    if (id === null) return this.#invalid('invalid message ID');
    if (this.#responses.isPending) return WAIT;
    if (id.high === NOT_HEX) return this.#refuseUnknown('E_TOUCH_FAILED', 'TOUCH', id);
    const { pump } = channel.topic;
    if (!pump.hasCommandRoom()) return this.#waitUntilWritable(pump);
    this.#responses.expectRefusal(pump);
    pump.touch(this.#port.client.number, id.high, id.low);
    return NEXT;
  }

  /** The response follows when the pump sends no more messages. */
  onCls(): Step {
    const { client } = this.#port;
    if (client.state.state !== 'subscribed') return this.#wrongState('CLS');
    const { channel } = client.state;
    client.state = { state: 'closing', channel };
    const settle = this.#port.respondLater();
    channel.topic.pump
      .request({ do: 'stopConsumer', consumer: client.number })
      .then(() => settle(CLOSE_WAIT_FRAME));
    return NEXT;
  }

  #waitUntilWritable(pump: PumpHandle): Step {
    return this.#port.waitUntilWritable((listener) => pump.onCommandWritable(listener));
  }

  #channel(): ChannelHandle | null {
    const { state } = this.#port.client;
    return state.state === 'init' ? null : state.channel;
  }

  #wrongState(name: string): Step {
    return this.#invalid(`cannot ${name} in current state`);
  }

  #invalid(text: string): Step {
    return this.#port.fail(new ClientError('E_INVALID', text));
  }

  #unparsable(text: string, word: string): Step {
    const description = Buffer.concat([Buffer.from(text), wordBytes(word)]);
    return this.#port.fail(new ClientError('E_INVALID', description));
  }

  #badName(code: ClientErrorCode, kind: string, word: string): Step {
    const text = `SUB ${kind} name ${goQuote(wordBytes(word))} is not valid`;
    return this.#port.fail(new ClientError(code, text));
  }

  /** No message has such an id, so the pump is not asked; but its refusals of earlier commands must come first. */
  #refuseUnknown(
    code: 'E_FIN_FAILED' | 'E_REQ_FAILED' | 'E_TOUCH_FAILED',
    name: string,
    id: SentId,
  ): Step {
    const text = [Buffer.from(`${name} `), id.bytes, Buffer.from(' failed ID not in flight')];
    const error = new ClientError(code, Buffer.concat(text));
    if (!this.#responses.mayBeRefused) return this.#port.fail(error);
    const settle = this.#port.respondLater();
    this.#responses.afterRefusals(() => settle(error));
    return NEXT;
  }
}

/** Any 16 bytes are an id; null for another length. */
function parseId(word: string): SentId | null {
  if (word.length !== MESSAGE_ID_BYTES) return null;
  const bytes = wordBytes(word);
  const high = parseHexWord(bytes, 0);
  const low = parseHexWord(bytes, MESSAGE_ID_BYTES / 2);
  return high === NOT_HEX || low === NOT_HEX
    ? { bytes, high: NOT_HEX, low: NOT_HEX }
    : { bytes, high, low };
}
