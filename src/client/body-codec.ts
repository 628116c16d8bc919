/**
 * Encodes values as bodies and decodes bodies.
 *
 * Thread: any.
 */

/**
 * Encodes values as message bodies and decodes them. The default is JSON; for MessagePack, use `{ encode: pack,
 * decode: unpack }` from the package `msgpackr`.
 *
 * @example
 * ```ts
 * import { type Codec, Producer } from 'ringmq/client';
 *
 * const days: Codec<Date> = {
 *   encode: (date) => date.toISOString(),
 *   decode: (body) => new Date(body.toString()),
 * };
 * const producer = new Producer<Date>({ nsqd: ['127.0.0.1:4150'], codec: days });
 * await producer.publish('days', new Date());
 * await producer.close();
 * ```
 */
export type Codec<T> = {
  /** Strings are sent as UTF-8. */
  encode(value: T): string | Uint8Array;
  decode(body: Buffer): T;
};

/**
 * Values as JSON.
 *
 * @example
 * ```ts
 * import { jsonCodec } from 'ringmq/client';
 *
 * console.log(jsonCodec.encode({ id: 7 })); // {"id":7}
 * ```
 */
export const jsonCodec: Codec<unknown> = {
  encode(value) {
    const text: unknown = JSON.stringify(value);
    if (typeof text === 'string') return text;
    throw new TypeError(`JSON has no form for a ${typeof value}`);
  },
  decode: (body) => JSON.parse(body.toString()),
};
