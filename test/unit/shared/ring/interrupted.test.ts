/** What the ring and the doorbell promise, with the other side running at every atomic step. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateDoorbell, Doorbell } from '../../../../src/shared/ring/doorbell.ts';
import { EMPTY, FULL, RingReader, RingWriter } from '../../../../src/shared/ring/ring.ts';
import { interleave, type Outcome, type Sides, step } from '../../../support/interrupt.ts';
import { ringMemoryAt } from '../../../support/ring-memory.ts';

const CAPACITY = 64;
const TYPE = 7;
const NEVER_MS = Number.POSITIVE_INFINITY;

/** A ring with both ends, and a bell for each. Every record's payload is its number, many times. */
class Pair {
  readonly producer: RingWriter;
  readonly consumer: RingReader;
  readonly producerBell = new Doorbell(allocateDoorbell());
  readonly consumerBell = new Doorbell(allocateDoorbell());
  readonly taken: number[] = [];
  #puts = 0;

  constructor(position = 2 ** 32 - 24) {
    const memory = ringMemoryAt(CAPACITY, position);
    this.producer = new RingWriter(memory);
    this.consumer = new RingReader(memory);
  }

  /** Commits the next record; the other side is let in while half of it is written. */
  put(length: number): boolean {
    const offset = this.producer.claim(length);
    if (offset === FULL) return false;
    const end = offset + length;
    this.producer.bytes.fill(this.#puts, offset, offset + (length >>> 1));
    step();
    this.producer.bytes.fill(this.#puts, offset + (length >>> 1), end);
    this.producer.commit(TYPE, length);
    this.#puts++;
    return true;
  }

  publishAndRing(): void {
    if (this.producer.publish()) this.consumerBell.ring();
  }

  /** Pops everything there is; the other side is let in while half of each record is checked. */
  take(): void {
    while (this.consumer.front() !== EMPTY) {
      const { offset, length } = this.consumer;
      const number = this.taken.length;
      const payload = this.consumer.bytes.subarray(offset, offset + length);
      assert.ok(payload.subarray(0, length >>> 1).every((byte) => byte === number));
      step();
      assert.ok(payload.every((byte) => byte === number));
      this.consumer.pop();
      this.taken.push(number);
    }
  }

  lookAndTake(): boolean {
    if (!this.consumer.look()) return false;
    this.take();
    return true;
  }

  releaseAndRing(): void {
    if (this.consumer.release()) this.producerBell.ring();
  }

  /** The consumer's whole turn: takes what there is, or sleeps until it is woken. */
  consumerTurn(): void {
    this.consumerBell.wakeUp();
    const rings = this.consumerBell.rings();
    let hasTaken = this.lookAndTake();
    if (!hasTaken) {
      this.consumerBell.fallAsleep();
      hasTaken = this.lookAndTake();
    }
    if (hasTaken) this.releaseAndRing();
    else this.consumerBell.wait(rings, NEVER_MS);
  }

  /** The producer's whole turn: goes on until so many records have been put, and sleeps when there is no room. */
  producerTurn(length: number, count: number): void {
    while (this.#puts < count) {
      this.producerBell.wakeUp();
      const rings = this.producerBell.rings();
      let hasRoom = this.put(length);
      this.publishAndRing();
      if (hasRoom) continue;
      this.producerBell.fallAsleep();
      hasRoom = this.put(length);
      this.publishAndRing();
      if (!hasRoom) this.producerBell.wait(rings, NEVER_MS);
    }
  }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function prove(arrange: () => Sides, runsMin: number): void {
  const runs = interleave(arrange);
  assert.ok(runs >= runsMin, `only ${runs} ways were tried`);
}

test('Ring: the consumer, wherever it interrupts, sees whole records in order', () => {
  prove(() => {
    const pair = new Pair();
    const script = (): void => {
      for (const length of [8, 24, 0]) {
        pair.put(length);
        pair.producer.publish();
      }
      pair.put(3);
      pair.producer.publish();
    };
    const turn = (): void => {
      pair.lookAndTake();
      pair.consumer.release();
    };
    const check = (): void => {
      pair.lookAndTake();
      // the last puts may have found the ring full, if the consumer came late
      assert.ok(pair.taken.length >= 2);
      assert.deepStrictEqual(pair.taken, numbers(pair.taken.length));
      assert.strictEqual(pair.consumer.position, pair.producer.position);
    };
    return { script, other: [turn, turn, turn], check };
  }, 1000);
});

test('Ring: records of one batch are seen together or not at all', () => {
  prove(() => {
    const pair = new Pair();
    const seen: number[] = [];
    const script = (): void => {
      pair.put(8);
      pair.put(8);
      pair.producer.publish();
    };
    const turn = (): void => {
      pair.lookAndTake();
      seen.push(pair.taken.length);
    };
    const check = (): void => {
      turn();
      assert.ok(seen.every((count) => count === 0 || count === 2));
      assert.strictEqual(seen.at(-1), 2);
    };
    return { script, other: [turn, turn], check };
  }, 20);
});

test('Ring: the producer, wherever it interrupts, overwrites nothing before its release', () => {
  prove(() => {
    const pair = new Pair();
    const fill = (): void => {
      while (pair.put(8));
      pair.producer.publish();
    };
    fill();
    const script = (): void => {
      for (let turn = 0; turn < 3; turn++) {
        pair.lookAndTake();
        pair.consumer.release();
      }
    };
    const check = (): void => {
      pair.lookAndTake();
      assert.deepStrictEqual(pair.taken, numbers(pair.taken.length));
      assert.strictEqual(pair.consumer.position, pair.producer.position);
    };
    return { script, other: [fill, fill, fill], check };
  }, 500);
});

test('Doorbell: a sleeper is woken wherever the ringer interrupts it', () => {
  prove(() => {
    const pair = new Pair();
    const publish = (): void => {
      pair.put(3);
      pair.publishAndRing();
    };
    const check = (outcome: Outcome): void => {
      assert.strictEqual(outcome.isScriptAsleep, false);
      pair.lookAndTake();
      assert.deepStrictEqual(pair.taken, [0, 1]);
    };
    return { script: () => pair.consumerTurn(), other: [publish, publish], check };
  }, 50);
});

test('Doorbell: a sleeper that interrupts the ringer anywhere is woken', () => {
  prove(() => {
    const pair = new Pair();
    const script = (): void => {
      for (let count = 0; count < 2; count++) {
        pair.put(3);
        pair.publishAndRing();
      }
    };
    const other = [() => pair.consumerTurn(), () => pair.consumerTurn()];
    const check = (outcome: Outcome): void => {
      // it may sleep again once it has taken both
      assert.ok(!outcome.isOtherAsleep || pair.taken.length === 2);
      pair.lookAndTake();
      assert.deepStrictEqual(pair.taken, [0, 1]);
    };
    return { script, other, check };
  }, 50);
});

test('Doorbell: a sleeper whose every step falls anywhere into the ringing is woken', () => {
  prove(() => {
    const pair = new Pair();
    const bell = pair.consumerBell;
    let rings = 0;
    let hasSeen = false;
    const look = (): void => {
      hasSeen ||= pair.consumer.look();
    };
    const sleep = [
      () => {
        rings = bell.rings();
      },
      look,
      () => bell.fallAsleep(),
      look,
      () => {
        if (!hasSeen) bell.wait(rings, NEVER_MS);
      },
      look,
    ];
    const script = (): void => {
      pair.put(3);
      pair.publishAndRing();
    };
    const check = (outcome: Outcome): void => {
      assert.deepStrictEqual([outcome.isOtherAsleep, hasSeen], [false, true]);
    };
    return { script, other: sleep, check };
  }, 1000);
});

test('Doorbell: of two ringers that interrupt each other, each is heard', () => {
  prove(() => {
    const bell = new Doorbell(allocateDoorbell());
    const heard: boolean[] = [];
    const work = [false, false];
    const look = (): boolean => work.some((isThere, index) => isThere && !heard[index]);
    const sleep = (): void => {
      const rings = bell.rings();
      if (look()) return;
      bell.fallAsleep();
      if (!look()) bell.wait(rings, NEVER_MS);
    };
    const wake = (): void => {
      bell.wakeUp();
      work.forEach((isThere, index) => {
        heard[index] = isThere;
      });
    };
    const ring = (index: number): void => {
      work[index] = true;
      bell.ring();
    };
    const other = [sleep, wake, () => ring(1), sleep, wake];
    const check = (outcome: Outcome): void => {
      assert.ok(!outcome.isOtherAsleep || !look());
    };
    return { script: () => ring(0), other, check };
  }, 20);
});

test('Ring: a producer that got FULL is told by the release, wherever the consumer interrupts', () => {
  prove(() => {
    const pair = new Pair(0);
    for (let count = 0; count < 3; count++) pair.put(8);
    const turn = (): void => pair.consumerTurn();
    const check = (outcome: Outcome): void => {
      assert.strictEqual(outcome.isScriptAsleep, false);
      pair.lookAndTake();
      assert.deepStrictEqual(pair.taken, [0, 1, 2, 3]);
    };
    return { script: () => pair.producerTurn(24, 4), other: [turn, turn, turn], check };
  }, 1000);
});

test('Ring: after FULL there is room only by a release that says to ring', () => {
  prove(() => {
    const pair = new Pair(0);
    for (let count = 0; count < 4; count++) pair.put(8);
    pair.producer.publish();
    let isFull = false;
    let isTold = false;
    const script = (): void => {
      isFull = !pair.put(24);
    };
    const turn = (): void => {
      pair.lookAndTake();
      if (pair.consumer.release()) isTold = true;
    };
    const check = (): void => assert.ok(isTold || !isFull);
    return { script, other: [turn], check };
  }, 5);
});

test('Ring: a producer that interrupts the release anywhere is told of the room', () => {
  prove(() => {
    const pair = new Pair(0);
    for (let count = 0; count < 3; count++) pair.put(8);
    pair.producer.publish();
    const script = (): void => {
      for (let turn = 0; turn < 2; turn++) pair.consumerTurn();
    };
    const turn = (): void => pair.producerTurn(24, 4);
    const check = (outcome: Outcome): void => {
      assert.deepStrictEqual(outcome, { isScriptAsleep: false, isOtherAsleep: false });
      pair.lookAndTake();
      assert.deepStrictEqual(pair.taken, [0, 1, 2, 3]);
    };
    return { script, other: [turn, turn, turn], check };
  }, 100);
});

test('Ring: neither side sleeps for good while both fill and drain', () => {
  prove(() => {
    const pair = new Pair(0);
    const turn = (): void => pair.consumerTurn();
    const check = (outcome: Outcome): void => {
      assert.strictEqual(outcome.isScriptAsleep, false);
      pair.lookAndTake();
      assert.deepStrictEqual(pair.taken, [0, 1, 2]);
    };
    return { script: () => pair.producerTurn(20, 3), other: [turn, turn, turn, turn], check };
  }, 10_000);
});

test('interleave: finds the lost wake-up of a sleeper that does not look again', () => {
  const arrange = (): Sides => {
    const pair = new Pair();
    const script = (): void => {
      const rings = pair.consumerBell.rings();
      if (pair.lookAndTake()) return;
      pair.consumerBell.fallAsleep();
      pair.consumerBell.wait(rings, NEVER_MS);
    };
    const publish = (): void => {
      pair.put(3);
      pair.publishAndRing();
    };
    const check = (outcome: Outcome): void => {
      assert.strictEqual(outcome.isScriptAsleep, false);
    };
    return { script, other: [publish], check };
  };

  assert.throws(() => interleave(arrange), /run \d+ with the choices/);
});

test('interleave: finds the stall when no one rings after FULL', () => {
  const arrange = (): Sides => {
    const pair = new Pair(0);
    for (let count = 0; count < 4; count++) pair.put(8);
    const script = (): void => {
      const rings = pair.producerBell.rings();
      if (pair.put(24)) return;
      pair.producerBell.fallAsleep();
      if (!pair.put(24)) pair.producerBell.wait(rings, NEVER_MS);
    };
    const other = [() => pair.consumerTurn(), () => pair.consumerTurn()];
    const check = (outcome: Outcome): void => {
      assert.strictEqual(outcome.isScriptAsleep, false);
    };
    return { script, other, check };
  };

  assert.throws(() => interleave(arrange), /run \d+ with the choices/);
});
