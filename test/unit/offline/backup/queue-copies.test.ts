import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueueCopies } from '../../../../src/offline/backup/queue-copies.ts';
import type { DiskQueue } from '../../../../src/workers/disk/disk-queue.ts';
import { LOG_ERROR } from '../../../../src/workers/disk/files/disk-log.ts';
import { DiskScratch } from '../../../../src/workers/disk/files/disk-scratch.ts';
import { OpenFiles } from '../../../../src/workers/disk/files/open-files.ts';
import { SegmentIndex } from '../../../../src/workers/disk/files/segment-index.ts';
import { SidecarPatience } from '../../../../src/workers/disk/files/sidecar-patience.ts';
import { diskRecord, readQueueFiles } from '../../../support/disk-files.ts';
import {
  appendDeferred,
  appendNumbers,
  DATA_PATH,
  type HandedRecord,
  openQueue,
  readAllRecords,
  readRecords,
} from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { freshSeed, type Random, seededRandom } from '../../../support/seeded-random.ts';

const COPY_PATH = '/copy';
const SEEDS = 6;
const FILE_BYTES = 400;
const NAMES = ['a', 'a:x', 'a:y', 'b', 'b:z'] as const;
type Name = (typeof NAMES)[number];

function disk(): MemoryFileSystem {
  return new MemoryFileSystem(DATA_PATH, `${DATA_PATH}/.ringmq`, COPY_PATH, `${COPY_PATH}/.ringmq`);
}

function copiesOf(fileSystem: MemoryFileSystem, isLive: boolean): QueueCopies {
  return new QueueCopies({
    ...{ fileSystem, dataPath: DATA_PATH, isLive, onCopied: () => undefined },
    target: {
      ...{ fileSystem, dataPath: COPY_PATH, maxMsgSize: 4096 },
      openFiles: new OpenFiles(fileSystem, 64, new DiskScratch()),
      index: new SegmentIndex(fileSystem, COPY_PATH),
      patience: new SidecarPatience(),
      maxBytesPerFile: Number.MAX_SAFE_INTEGER,
      syncEvery: Number.MAX_SAFE_INTEGER,
    },
  });
}

/** Closes the copy, and reads it as a broker does. */
function readCopy(
  fileSystem: MemoryFileSystem,
  copies: QueueCopies,
  what: string,
): Map<string, HandedRecord[]> {
  const damage: string[] = [];
  copies.settle((level, text) => void (level === LOG_ERROR && damage.push(text)));
  const found = new Map<string, HandedRecord[]>();
  for (const name of NAMES) {
    const names = fileSystem.names(COPY_PATH);
    const content = (file: string): Buffer => fileSystem.content(`${COPY_PATH}/${file}`);
    const files = readQueueFiles({ names, content }, name);
    const { queue, log } = openQueue(fileSystem, name, {}, COPY_PATH);
    const records = readAllRecords(queue);
    const asNsqd = [files.problems, files.depth, files.messages.map(({ id }) => Number(`0x${id}`))];
    assert.deepEqual(
      asNsqd,
      [[], records.length, records.map(({ message }) => message)],
      `${what}: nsqd finds the same in ${name}`,
    );
    damage.push(...log.filter((line) => line.startsWith(`${LOG_ERROR} `)));
    found.set(name, records);
  }
  assert.deepEqual(damage, [], what);
  return found;
}

/** A broker at work: queues whose messages go from topics to channels, and from one topic to the other. */
class Life {
  readonly dues = new Map<number, number>();
  readonly #random: Random;
  readonly #queues = new Map<Name, DiskQueue>();
  readonly #unacked = new Map<Name, HandedRecord[]>();
  /** Messages that are in a file and not finished, by the channel that is to have them; z counts as x. */
  readonly present = new Set<string>();
  readonly #moved = new Set<number>();
  #published = 0;

  constructor(fileSystem: MemoryFileSystem, random: Random) {
    this.#random = random;
    for (const name of NAMES) {
      this.#queues.set(name, openQueue(fileSystem, name, { maxBytesPerFile: FILE_BYTES }).queue);
      this.#unacked.set(name, []);
    }
  }

  act(): void {
    const name = NAMES[this.#random(NAMES.length)];
    const act = this.#random(10);
    if (act < 3) this.#publish();
    else if (act < 6) this.#pump(name);
    else if (act < 8) this.#consume(name);
    else if (act === 8) this.#move();
    else this.#of(name).sync();
  }

  #of(name: Name): DiskQueue {
    const queue = this.#queues.get(name);
    assert(queue !== undefined);
    return queue;
  }

  #publish(): void {
    const topic = this.#random(3) === 0 ? 'b' : 'a';
    for (let count = 1 + this.#random(4); count > 0; count--) {
      const number = ++this.#published;
      if (this.#random(3) === 0) this.dues.set(number, 1e12 + number);
      this.#append(topic, number);
      this.present.add(`${number}:x`);
      if (topic === 'a') this.present.add(`${number}:y`);
    }
  }

  #append(name: Name, number: number): void {
    const dueMs = this.dues.get(number);
    if (dueMs === undefined) appendNumbers(this.#of(name), number);
    else appendDeferred(this.#of(name), [number, dueMs]);
  }

  /** Moves messages of a topic to its channels. */
  #pump(name: Name): void {
    const topic = name.startsWith('a') ? 'a' : 'b';
    const channels: readonly Name[] = topic === 'a' ? ['a:x', 'a:y'] : ['b:z'];
    for (const { message, number } of readRecords(this.#of(topic), 300)) {
      for (const channel of channels) this.#append(channel, message);
      this.#of(topic).finish(number, 1);
    }
  }

  #consume(name: Name): void {
    if (!name.includes(':')) return;
    const unacked = this.#unacked.get(name);
    assert(unacked !== undefined);
    unacked.push(...readRecords(this.#of(name), 300));
    const kept = unacked.filter(({ message, number }) => {
      if (this.#random(8) === 0) return true;
      this.#of(name).finish(number, 1);
      this.present.delete(`${message}:${name === 'a:y' ? 'y' : 'x'}`);
      return false;
    });
    this.#unacked.set(name, kept);
  }

  /** As a dead letter: written to the other topic, then finished here. */
  #move(): void {
    const [from, to] = this.#random(2) === 0 ? (['a:x', 'b'] as const) : (['b:z', 'a'] as const);
    const unacked = this.#unacked.get(from) ?? [];
    const record = unacked.find(({ message }) => !this.#moved.has(message));
    if (record === undefined) return;
    this.#moved.add(record.message);
    this.#append(to, record.message);
    this.#of(from).finish(record.number, 1);
    const left = unacked.filter((other) => other !== record);
    this.#unacked.set(from, left);
  }
}

test('QueueCopies: what waits when the copy begins is in the copy, whatever the broker does meanwhile', (t) => {
  const first = freshSeed();
  t.diagnostic(`SEED=${first}, and ${SEEDS - 1} more`);
  for (let seed = first; seed < first + SEEDS; seed++) {
    const random = seededRandom(seed);
    const fileSystem = disk();
    const life = new Life(fileSystem, random);
    for (let acts = random(200); acts >= 0; acts--) life.act();
    const before = new Set(life.present);
    let isActing = false;
    const haste = 1 + random(6);
    fileSystem.onCall = (_call, path) => {
      if (isActing || path.startsWith(COPY_PATH) || random(haste) > 0) return;
      isActing = true;
      life.act();
      isActing = false;
    };

    const copies = copiesOf(fileSystem, true);
    copies.run();

    fileSystem.onCall = () => undefined;
    const found = readCopy(fileSystem, copies, `SEED=${seed}`);
    const numbersIn = (...names: Name[]): Set<number> =>
      new Set(names.flatMap((name) => (found.get(name) ?? []).map(({ message }) => message)));
    const places = { x: numbersIn('a', 'a:x', 'b', 'b:z'), y: numbersIn('a', 'a:y') };
    const missing = [...before].filter((entry) => {
      const [number, channel] = entry.split(':');
      return life.present.has(entry) && !places[channel as 'x' | 'y'].has(Number(number));
    });
    assert.deepEqual(missing, [], `SEED=${seed}`);
    for (const { message, dueMs } of [...found.values()].flat()) {
      assert.equal(dueMs, life.dues.get(message) ?? 0, `SEED=${seed}: due time of ${message}`);
    }
  }
});

test('QueueCopies: a record that a broker is just writing is left out, and comes with the next copy', () => {
  const fileSystem = disk();
  const { queue } = openQueue(fileSystem, 'a');
  appendNumbers(queue, 1, 2);
  const segment = `${DATA_PATH}/a.diskqueue.000000.dat`;
  const whole = fileSystem.content(segment);
  const handle = fileSystem.openForWriting(segment);
  assert(handle !== 'missing');
  fileSystem.write(handle, diskRecord(3, 'three'), 0, 33, whole.length);

  const copies = copiesOf(fileSystem, true);
  copies.run();
  const first = fileSystem.content(`${COPY_PATH}/a.diskqueue.000000.dat`);
  fileSystem.write(handle, diskRecord(3, 'three'), 33, 2, whole.length + 33);
  copies.run();

  const found = readCopy(fileSystem, copies, 'torn').get('a');
  assert.deepEqual(first, whole);
  assert.deepEqual(
    found?.map(({ message }) => message),
    [1, 2, 3],
  );
});
