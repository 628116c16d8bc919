/**
 * A `PumpHandle`, with the pump's ends of its rings controlled by the test.
 *
 * Thread: any.
 */

import { topicPolicy } from '../../src/main/policies/resolved-policy.ts';
import { type PublicationPart, PumpHandle } from '../../src/main/pumps/pump-handle.ts';
import { pumpMemory } from '../../src/main/pumps/thread-plan.ts';
import type { TopicHandle } from '../../src/main/topics/topic-map.ts';
import { type ControlRequest, decodeControl } from '../../src/shared/control.ts';
import * as records from '../../src/shared/records.ts';
import { Doorbell } from '../../src/shared/ring/doorbell.ts';
import { EMPTY, RingReader, RingWriter } from '../../src/shared/ring/ring.ts';
import { optionsWith, type TestRingSizes, testRingSizes } from './broker-turns.ts';
import { ManualClock } from './manual-clock.ts';
import { topicNamed } from './names.ts';

/** A publish record. `bodies` are the texts of its messages. */
export type TakenPublish = {
  readonly topic: number;
  readonly count: number;
  readonly token: number;
  readonly deferMs: number;
  readonly timestamp: bigint;
  readonly part: PublicationPart;
  readonly bodies: readonly string[];
  /** Present if they must go to disk. */
  readonly isToDisk?: true;
};

export class MainRings {
  readonly clock = new ManualClock();
  readonly handle: PumpHandle;
  readonly deliveries: RingWriter;
  /** How often the handle has requested a flush. */
  flushRequests = 0;
  readonly #bell: Doorbell;
  readonly #publishes: RingReader;
  readonly #commands: RingReader;
  /** Earlier pieces of a control request. */
  #pieces: Buffer[] = [];

  constructor(sizes: Partial<TestRingSizes> = {}) {
    const memory = pumpMemory(testRingSizes(sizes));
    this.#bell = new Doorbell(memory.bell);
    // As if the pump always slept, so that every ring of its bell is counted.
    this.#bell.fallAsleep();
    this.#publishes = new RingReader(memory.publishes);
    this.#commands = new RingReader(memory.commands);
    this.deliveries = new RingWriter(memory.deliveries);
    this.handle = new PumpHandle(memory, this.clock, () => {
      this.flushRequests++;
    });
  }

  /** How often the pump's bell was rung. */
  get rings(): number {
    return this.#bell.rings();
  }

  /** From now on the pump dozes: records that can wait do not ring its bell. */
  doze(): void {
    this.#bell.doze();
  }

  /** Publishes texts as one batch. Returns the result of the handle. */
  publish(topic: number, bodies: readonly string[], deferMs = 0, token = 0): boolean {
    const bytes = sized(bodies);
    const batch = { source: bytes, at: 0, bytes: bytes.length, count: bodies.length, deferMs };
    return this.handle.publish(topic, batch, token);
  }

  /** Reads and releases all publish records. */
  takePublishes(): TakenPublish[] {
    const ring = this.#publishes;
    const taken: TakenPublish[] = [];
    ring.look();
    while (ring.front() !== EMPTY) {
      const word = (field: number): number => ring.words[(ring.offset >>> 2) + field];
      const high = BigInt(word(records.PUBLISH_TIMESTAMP));
      const start = ring.offset + records.fieldBytes(records.PUBLISH_WORDS);
      taken.push({
        topic: word(records.PUBLISH_TOPIC),
        count: word(records.PUBLISH_COUNT),
        token: word(records.PUBLISH_TOKEN),
        deferMs: word(records.PUBLISH_DEFER_MS),
        timestamp: (high << 32n) | BigInt(word(records.PUBLISH_TIMESTAMP + 1)),
        part: {
          first: word(records.PUBLISH_FIRST),
          followingCount: word(records.PUBLISH_FOLLOWING_COUNT),
          followingBytes: word(records.PUBLISH_FOLLOWING_BYTES),
        },
        bodies: unsized(ring.bytes.subarray(start, ring.offset + ring.length)),
        ...(word(records.PUBLISH_TO_DISK) !== 0 && { isToDisk: true }),
      });
      ring.pop();
    }
    ring.release();
    return taken;
  }

  /** Reads and releases up to `most` command records; a control request is shown as its kind. */
  takeCommands(most = Number.POSITIVE_INFINITY): (number[] | ControlRequest)[] {
    const ring = this.#commands;
    const taken: (number[] | ControlRequest)[] = [];
    ring.look();
    for (let count = 0; count < most; count++) {
      const type = ring.front();
      if (type === EMPTY) break;
      const at = ring.offset >>> 2;
      if (type === records.CONTROL) taken.push(...this.#takeControl());
      else taken.push([type, ...ring.words.subarray(at, at + ring.length / 4)]);
      ring.pop();
    }
    ring.release();
    return taken;
  }

  /** Tokens and publish positions of the next control records, which stay in the ring. */
  nextControl(): { token: number; position: number } {
    const ring = this.#commands;
    ring.look();
    if (ring.front() !== records.CONTROL) throw new Error('no control request is next');
    const at = ring.offset >>> 2;
    return {
      token: ring.words[at + records.CONTROL_TOKEN],
      position: ring.words[at + records.CONTROL_POSITION],
    };
  }

  /** Sends main a record. */
  say(type: number, fields: readonly number[], bytes: Uint8Array = Buffer.alloc(0)): void {
    const offset = this.deliveries.claim(4 * fields.length + bytes.length);
    for (const [index, field] of fields.entries()) {
      this.deliveries.words[(offset >>> 2) + index] = field;
    }
    this.deliveries.bytes.set(bytes, offset + 4 * fields.length);
    this.deliveries.commit(type, 4 * fields.length + bytes.length);
    this.deliveries.publish();
  }

  #takeControl(): ControlRequest[] {
    const ring = this.#commands;
    const start = ring.offset + records.fieldBytes(records.CONTROL_WORDS);
    this.#pieces.push(Buffer.from(ring.bytes.subarray(start, ring.offset + ring.length)));
    if (ring.words[(ring.offset >>> 2) + records.CONTROL_MORE] === 1) return [];
    const request = decodeControl<ControlRequest>(Buffer.concat(this.#pieces));
    this.#pieces = [];
    return [request];
  }
}

/** Texts as `size(4) body(size)`. */
export function sized(bodies: readonly string[]): Buffer {
  return Buffer.concat(
    bodies.map((body) => {
      const bytes = Buffer.alloc(4 + body.length);
      bytes.writeUInt32BE(body.length);
      bytes.write(body, 4, 'latin1');
      return bytes;
    }),
  );
}

function unsized(bytes: Buffer): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    bodies.push(bytes.toString('latin1', at + 4, end));
    at = end;
  }
  return bodies;
}

/** A topic whose pump is at the other end of the rings, with the policy of these options. */
export function topicOn(
  rings: MainRings,
  given: Readonly<Record<string, unknown>> = {},
): TopicHandle {
  return {
    number: 3,
    name: topicNamed('t'),
    pump: rings.handle,
    channels: new Map(),
    isReplicated: false,
    policy: topicPolicy(optionsWith(given), {}),
    refusingChannelCount: 0,
    isPaused: false,
    counts: null,
    backendError: null,
    saving: null,
    isDeleted: false,
    opening: undefined,
  };
}
