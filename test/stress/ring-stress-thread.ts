/** One side of the ring's stress test, for the lifetime of a worker. The parent sends it a `StressTask`. */

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../src/shared/assert.ts';
import { Doorbell } from '../../src/shared/ring/doorbell.ts';
import { EMPTY, FULL, RingReader, RingWriter } from '../../src/shared/ring/ring.ts';

export interface StressTask {
  readonly role: 'producer' | 'consumer';
  readonly records: number;
  readonly seed: number;
  readonly ring: SharedArrayBuffer;
  readonly producerBell: SharedArrayBuffer;
  readonly consumerBell: SharedArrayBuffer;
}

/** No turn of the other side takes this long, even on the busiest machine: a longer wait has lost its wake-up. */
const LOST_WAKE_UP_MS = 30_000;
const BATCH_MAX = 256;
const PROGRESS_LINES = 20;

/** Marsaglia's 32-bit xorshift. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  }

  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state;
  }

  below(limit: number): number {
    return this.next() % limit;
  }
}

/** The contents of the records; both sides have a copy and derive the same contents from it. */
class Script {
  type = 0;
  length = 0;
  pattern = 0;
  readonly #random: Random;
  readonly #lengthMax: number;

  constructor(seed: number, lengthMax: number) {
    this.#random = new Random(seed);
    this.#lengthMax = lengthMax;
  }

  next(): void {
    const kind = this.#random.below(2048);
    let limit = 64;
    if (kind === 0) limit = this.#lengthMax;
    else if (kind < 128) limit = 512;
    this.type = 1 + this.#random.below(30);
    this.length = Math.min(this.#random.below(limit), this.#lengthMax);
    // near half of the ring, where padding and record together take nearly all of it
    if (kind === 1) this.length = this.#lengthMax - this.#random.below(16);
    this.pattern = this.#random.next();
  }
}

class Sleeper {
  readonly #bell: Doorbell;
  #rings = 0;

  constructor(bell: Doorbell) {
    this.#bell = bell;
  }

  beforeLook(): void {
    this.#rings = this.#bell.rings();
  }

  beforeLastLook(): void {
    this.#bell.fallAsleep();
  }

  sleep(): void {
    const startMs = performance.now();
    this.#bell.wait(this.#rings, LOST_WAKE_UP_MS);
    assert(performance.now() - startMs < LOST_WAKE_UP_MS, 'a sleeper is woken');
  }

  awake(): void {
    this.#bell.wakeUp();
  }
}

function produce(task: StressTask): void {
  const producer = new RingWriter(task.ring);
  const consumerBell = new Doorbell(task.consumerBell);
  const sleeper = new Sleeper(new Doorbell(task.producerBell));
  const script = new Script(task.seed, producer.lengthMax);
  const whim = new Random(task.seed + 1);
  const publish = (): void => {
    if (producer.publish()) consumerBell.ring();
  };
  const claimOrWait = (length: number): number => {
    for (;;) {
      sleeper.beforeLook();
      let offset = producer.claim(length);
      if (offset !== FULL) return offset;
      publish();
      sleeper.beforeLastLook();
      offset = producer.claim(length);
      if (offset === FULL) sleeper.sleep();
      sleeper.awake();
      if (offset !== FULL) return offset;
    }
  };
  let batch = 1;
  for (let sent = 0; sent < task.records; sent++) {
    script.next();
    const surplus = whim.below(64);
    const claim = Math.min(script.length + surplus, producer.lengthMax);
    let offset = producer.claim(claim);
    if (offset === FULL) offset = claimOrWait(claim);
    if (surplus === 0) {
      producer.words.fill(0xdeadbeef, offset >>> 2, (offset + claim) >>> 2);
      producer.abandon();
      offset = claimOrWait(script.length);
    }
    fill(producer, offset, script);
    producer.commit(script.type, script.length);
    if (--batch > 0) continue;
    batch = 1 + whim.below(BATCH_MAX);
    publish();
  }
  publish();
}

function consume(task: StressTask): void {
  const consumer = new RingReader(task.ring);
  const producerBell = new Doorbell(task.producerBell);
  const sleeper = new Sleeper(new Doorbell(task.consumerBell));
  const script = new Script(task.seed, consumer.capacity / 2 - 8);
  const whim = new Random(task.seed + 2);
  const release = (): void => {
    if (consumer.release()) producerBell.ring();
  };
  const every = Math.ceil(task.records / PROGRESS_LINES);
  let batch = 1;
  let taken = 0;
  while (taken < task.records) {
    const type = consumer.front();
    if (type === EMPTY) {
      release();
      sleeper.beforeLook();
      if (consumer.look()) continue;
      sleeper.beforeLastLook();
      if (!consumer.look()) sleeper.sleep();
      sleeper.awake();
      continue;
    }
    script.next();
    assert(type === script.type, 'types come in order');
    assert(consumer.length === script.length, 'lengths come in order');
    check(consumer, script);
    consumer.pop();
    if (++taken % every === 0) parentPort?.postMessage(taken);
    if (--batch > 0) continue;
    batch = 1 + whim.below(BATCH_MAX);
    release();
  }
  assert(consumer.front() === EMPTY && !consumer.look(), 'nothing comes after the last record');
}

function fill(producer: RingWriter, offset: number, script: Script): void {
  const { words, bytes } = producer;
  const end = offset + script.length;
  const endWord = end >>> 2;
  let value = script.pattern;
  for (let index = offset >>> 2; index < endWord; index++) {
    words[index] = value;
    value = (value + 0x9e3779b9) | 0;
  }
  for (let index = endWord << 2; index < end; index++) bytes[index] = value;
}

function check(consumer: RingReader, script: Script): void {
  const { words, bytes, offset } = consumer;
  const end = offset + consumer.length;
  const endWord = end >>> 2;
  let value = script.pattern | 0;
  let difference = offset & 7;
  for (let index = offset >>> 2; index < endWord; index++) {
    difference |= (words[index] | 0) ^ value;
    value = (value + 0x9e3779b9) | 0;
  }
  for (let index = endWord << 2; index < end; index++) difference |= bytes[index] ^ (value & 255);
  assert(difference === 0, 'bytes come as they were written');
}

const task: StressTask = workerData;
if (task.role === 'producer') produce(task);
else consume(task);
