import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  EMPTY,
  FULL,
  RECORD_ALIGNMENT,
  RingReader,
  RingWriter,
  recordBytes,
} from '../../../../src/shared/ring/ring.ts';
import { ringMemoryAt } from '../../../support/ring-memory.ts';

interface ModelRecord {
  readonly type: number;
  readonly payload: Buffer;
  /** Bytes ever produced before the record and after it; they never wrap here. */
  readonly start: number;
  readonly end: number;
}

interface Seen {
  readonly offset: number;
  readonly record: ModelRecord;
}

type Action =
  | { readonly do: 'put'; readonly claim: number; readonly commit: number; readonly type: number }
  | { readonly do: 'abandon'; readonly claim: number }
  | { readonly do: 'publish' | 'look' | 'front' | 'pop' | 'release' };

/** A ring next to a list of records: whatever the ring says, the list must say as well. */
class Comparison {
  readonly #producer: RingWriter;
  readonly #consumer: RingReader;
  readonly #capacity: number;
  readonly #first: number;
  readonly #records: ModelRecord[] = [];
  #published = 0;
  #told = 0;
  #looked = 0;
  #popped = 0;
  #head = 0;
  #released = 0;
  /** The room that the producer waits for; 0 while it does not wait. */
  #wanted = 0;
  /** Popped and not yet released: their bytes must stay. */
  #held: Seen[] = [];

  constructor(capacity: number, first: number) {
    const memory = ringMemoryAt(capacity, first);
    this.#producer = new RingWriter(memory);
    this.#consumer = new RingReader(memory);
    this.#capacity = capacity;
    this.#first = first;
  }

  run(action: Action): void {
    if (action.do === 'put') this.#put(action.claim, action.commit, action.type);
    else if (action.do === 'abandon') this.#claimAndAbandon(action.claim);
    else if (action.do === 'publish') this.#publish();
    else if (action.do === 'look') this.#look();
    else if (action.do === 'front') this.#front();
    else if (action.do === 'pop') this.#pop();
    else this.#release();
    assert.strictEqual(this.#producer.position, this.#wrapped(this.#tail()));
    assert.strictEqual(this.#producer.hasUnpublished, this.#told < this.#records.length);
    assert.strictEqual(this.#consumer.position, this.#wrapped(this.#head));
  }

  /** Publishes and takes everything, so that each run also ends with an empty ring. */
  drain(): void {
    this.#publish();
    this.#look();
    while (this.#popped < this.#records.length) this.#pop();
    this.#front();
    this.#release();
  }

  #put(claimShare: number, commitShare: number, type: number): void {
    const claim = Math.floor(claimShare * this.#producer.lengthMax);
    const claimed = this.#claim(claim);
    if (claimed === undefined) return;
    const length = Math.floor(commitShare * claim);
    const payload = Buffer.alloc(length, (this.#records.length * 31 + 1) & 255);
    for (let index = 0; index < length; index += 7) payload[index] = index & 255;
    payload.copy(this.#producer.bytes, claimed.offset);
    this.#producer.commit(type, length);
    const { start } = claimed;
    this.#records.push({ type, payload, start, end: start + recordBytes(length) });
  }

  #claimAndAbandon(claimShare: number): void {
    const length = Math.floor(claimShare * this.#producer.lengthMax);
    const claimed = this.#claim(length);
    if (claimed === undefined) return;
    this.#producer.bytes.fill(0xaa, claimed.offset, claimed.offset + length);
    this.#producer.abandon();
  }

  #claim(length: number): { offset: number; start: number } | undefined {
    const tail = this.#tail();
    const needed = recordBytes(length);
    const toEnd = this.#capacity - (this.#wrapped(tail) % this.#capacity);
    const start = needed <= toEnd ? tail : tail + toEnd;

    const offset = this.#producer.claim(length);

    const isFull = start + needed - this.#released > this.#capacity;
    assert.strictEqual(offset === FULL, isFull);
    if (!isFull) {
      this.#wanted = 0;
    } else {
      const wanted = Math.min(this.#capacity, start + needed - tail + this.#capacity / 8);
      this.#wanted = this.#wanted === 0 ? wanted : Math.min(this.#wanted, wanted);
      this.#published = this.#records.length;
      return undefined;
    }
    assert.strictEqual(offset % RECORD_ALIGNMENT, 0);
    assert.ok(offset + length <= this.#capacity);
    assert.strictEqual(offset, (this.#wrapped(start) % this.#capacity) + 8);
    return { offset, start };
  }

  #publish(): void {
    assert.strictEqual(this.#producer.publish(), this.#told < this.#records.length);
    this.#told = this.#records.length;
    this.#published = this.#records.length;
  }

  #look(): void {
    this.#looked = this.#published;
    assert.strictEqual(this.#consumer.look(), this.#popped < this.#looked);
  }

  #front(): ModelRecord | undefined {
    const type = this.#consumer.front();
    if (this.#popped === this.#looked) {
      assert.strictEqual(type, EMPTY);
      return undefined;
    }
    const record = this.#records[this.#popped];
    const { offset, length } = this.#consumer;
    assert.strictEqual(type, record.type);
    assert.strictEqual(offset % RECORD_ALIGNMENT, 0);
    assert.deepStrictEqual(this.#consumer.bytes.subarray(offset, offset + length), record.payload);
    this.#head = record.start;
    return record;
  }

  #pop(): void {
    const record = this.#front();
    if (record === undefined) return;
    this.#held.push({ offset: this.#consumer.offset, record });
    this.#consumer.pop();
    this.#popped++;
    this.#head = record.end;
  }

  #release(): void {
    for (const { offset, record } of this.#held) {
      const bytes = this.#consumer.bytes.subarray(offset, offset + record.payload.length);
      assert.deepStrictEqual(bytes, record.payload);
    }
    const isRingNeeded = this.#consumer.release();
    const room = this.#capacity - (this.#tail() - this.#head);
    const hasWanted = this.#wanted > 0 && room >= this.#wanted;
    assert.strictEqual(isRingNeeded, this.#head !== this.#released && hasWanted);
    this.#released = this.#head;
    this.#held = [];
  }

  #tail(): number {
    return this.#records.at(-1)?.end ?? 0;
  }

  #wrapped(position: number): number {
    return (this.#first + position) % 2 ** 32;
  }
}

const share = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: 0, max: 0.2, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
);
const put = fc.record({
  do: fc.constant('put' as const),
  claim: share,
  commit: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  type: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
});
const abandon = fc.record({ do: fc.constant('abandon' as const), claim: share });
const simple = fc.record({
  do: fc.constantFrom('publish', 'look', 'front', 'pop', 'pop', 'release'),
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: put },
  { weight: 1, arbitrary: abandon },
  { weight: 6, arbitrary: simple },
);

test('Ring: agrees with a list of records at every action', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 6, max: 16 }).map((bits) => 2 ** bits),
      fc.oneof(
        fc.integer({ min: 0, max: 2 ** 14 }).map((back) => 2 ** 32 - back * 8 - 8),
        fc.integer({ min: 0, max: 2 ** 29 - 1 }).map((position) => position * 8),
        fc.integer({ min: 0, max: 2 ** 12 }).map((back) => 2 ** 31 - back * 8),
      ),
      fc.array(action, { maxLength: 200, size: 'max' }),
      (capacity, first, actions) => {
        const comparison = new Comparison(capacity, first);
        for (const next of actions) comparison.run(next);
        comparison.drain();
      },
    ),
    { numRuns: 600 },
  );
});
