/**
 * A stream loop, with a pump's ends of its rings controlled by the test, and a store that only records its calls and
 * answers when the test requests it.
 *
 * Thread: any.
 */

import { decodeControl, encodeControl, type PumpEvent } from '../../src/shared/control.ts';
import { allocateDoorbell, Doorbell } from '../../src/shared/ring/doorbell.ts';
import { allocateRing, EMPTY, FULL, RingReader, RingWriter } from '../../src/shared/ring/ring.ts';
import * as disk from '../../src/workers/disk-records.ts';
import * as stream from '../../src/workers/stream-records.ts';
import { StreamLoop } from '../../src/workers/streams/stream-loop.ts';
import type {
  PullListener,
  StoredMessage,
  StoreListener,
  StreamFigures,
  StreamStore,
} from '../../src/workers/streams/stream-store.ts';
import { diskRecord, parseRecords } from './disk-files.ts';
import { ManualClock } from './manual-clock.ts';

const REPLICATION = { replicas: 0, retention: { ageMs: 0, bytes: 0 } };
const ANSWERS = new Map<number, string>([
  [disk.OPENED, 'OPENED'],
  [disk.APPENDED, 'APPENDED'],
  [disk.EMPTIED, 'EMPTIED'],
  [disk.CLOSED, 'CLOSED'],
  [disk.DELETED, 'DELETED'],
  [stream.PULLED, 'PULLED'],
  [stream.STARTED, 'STARTED'],
  [stream.SHARED, 'SHARED'],
  [stream.FIGURES, 'FIGURES'],
]);

/** A message of the store; by default the first one of its topic. */
export function storedMessage(body: string, given: Partial<StoredMessage> = {}): StoredMessage {
  return {
    body: Buffer.from(body),
    sequence: 1,
    deliveries: 1,
    timestampNs: 1_700_000_000_000_000_000n,
    dueMs: 0,
    receipt: `receipt of ${body}`,
    unread: 0,
    ...given,
  };
}

type Waiting = { readonly call: string; readonly settle: (error: string | null) => void };

/** A store without messages. */
class RecordedStore implements StreamStore {
  absence: string | null = null;
  /** Its calls, in order. */
  readonly calls: string[] = [];
  /** The listener of the loop, and of each pull. */
  listener: StoreListener | null = null;
  readonly pulls: PullListener[] = [];
  /** The figures of every queue; null: the store does not have it. */
  known: StreamFigures | null | undefined;
  /** How often figures were requested. */
  figuresCount = 0;
  #waiting: Waiting[] = [];

  start(listener: StoreListener): void {
    this.listener = listener;
  }

  open = ({ topic, channel }: { topic: string; channel: string }) =>
    this.#ask(`open ${topic}:${channel}`);
  empty = ({ topic, channel }: { topic: string; channel: string }) =>
    this.#ask(`empty ${topic}:${channel}`);
  delete = ({ topic, channel }: { topic: string; channel: string }) =>
    this.#ask(`delete ${topic}:${channel}`);
  startChannel: StreamStore['startChannel'] = (topic, { channel, start }) =>
    this.#ask(`start ${topic}:${channel} ${JSON.stringify(start)}`);
  sharePolicy: StreamStore['sharePolicy'] = ({ name, text }) => this.#ask(`share ${name} ${text}`);
  pause: StreamStore['pause'] = ({ topic }, isPaused) => this.#ask(`pause ${topic} ${isPaused}`);
  mend: StreamStore['mend'] = async () => 'nothing is to be done';
  close = () => this.#ask('close');

  figures: StreamStore['figures'] = async () => {
    this.figuresCount++;
    if (this.known === undefined) throw new Error('nothing is known');
    return this.known;
  };

  publish: StreamStore['publish'] = (topic, body, _dueMs, done) => {
    const call = `publish ${topic} ${Buffer.from(body)}`;
    this.calls.push(call);
    this.#waiting.push({ call, settle: done });
  };

  pull: StreamStore['pull'] = ({ topic, channel }, count, bytes, listener) => {
    this.calls.push(`pull ${topic}:${channel} ${count} ${bytes}`);
    this.pulls.push(listener);
    return { cancel: () => void this.calls.push('cancel') };
  };

  finish = (receipt: string) => void this.calls.push(`finish ${receipt}`);
  giveBack = (receipt: string, delayMs: number) =>
    void this.calls.push(`give back ${receipt} ${delayMs}`);
  keep = (receipt: string) => void this.calls.push(`keep ${receipt}`);

  /** Answers the oldest call that begins like this: it is done, or the reason why not. */
  settle(call: string, error: string | null = null): void {
    const at = this.#waiting.findIndex((waiting) => waiting.call.startsWith(call));
    if (at === -1) throw new Error(`no call "${call}" waits`);
    for (const { settle } of this.#waiting.splice(at, 1)) settle(error);
  }

  #ask(call: string): Promise<void> {
    this.calls.push(call);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({
      call,
      settle: (error) => (error === null ? resolve() : reject(new Error(error))),
    });
    return promise;
  }
}

/** One pump at the other end of the rings. */
class Pump {
  readonly link: ConstructorParameters<typeof StreamLoop>[0][number];
  readonly #requests: RingWriter;
  readonly #answers: RingReader;

  constructor(replyBytes: number) {
    const [requests, replies] = [allocateRing(64 * 1024), allocateRing(replyBytes)];
    this.#requests = new RingWriter(requests);
    this.#answers = new RingReader(replies);
    this.link = {
      requests: new RingReader(requests),
      replies: new RingWriter(replies),
      bell: new Doorbell(allocateDoorbell()),
    };
  }

  /** Opens a topic, or its channel. */
  open(queue: number, topic: string, channel = ''): void {
    const name = encodeControl({ topic, channel, replication: REPLICATION });
    this.send(stream.OPEN_STREAM, [queue], name);
  }

  append(queue: number, ...bodies: readonly string[]): void {
    const records = Buffer.concat(bodies.map((body, index) => diskRecord(index, body)));
    this.send(disk.APPEND, [queue, bodies.length, 0], records);
  }

  send(type: number, fields: readonly number[], bytes: Uint8Array = Buffer.alloc(0)): void {
    const length = fields.length * 4 + bytes.length;
    const offset = this.#requests.claim(length);
    if (offset === FULL) throw new Error('the ring is full');
    for (const [index, field] of fields.entries()) {
      this.#requests.words[(offset >>> 2) + index] = field;
    }
    this.#requests.bytes.set(bytes, offset + fields.length * 4);
    this.#requests.commit(type, length);
    this.#requests.publish();
  }

  /** Reads all answers. Shape: `TYPE queue`, followed by a reason, bodies or figures. */
  take(): string[] {
    const taken: string[] = [];
    this.#answers.look();
    for (let type = this.#answers.front(); type !== EMPTY; type = this.#answers.front()) {
      taken.push(this.#text(type));
      this.#answers.pop();
    }
    this.#answers.release();
    return taken;
  }

  #text(type: number): string {
    const { words, bytes, offset, length } = this.#answers;
    const at = offset >>> 2;
    const rest = (skipped: number): Buffer => bytes.subarray(offset + skipped * 4, offset + length);
    if (type === stream.NEWS) {
      const { event, ...fields } = decodeControl<PumpEvent>(rest(0));
      return `${event} ${Object.values(fields).join(' ')}`.trim();
    }
    if (type === disk.STATUS) return `log ${rest(disk.STATUS_WORDS)}`;
    const queue = words[at + disk.QUEUE];
    if (type === disk.RECORDS) {
      const bodies = parseRecords(Buffer.from(rest(disk.RECORDS_WORDS))).map(({ body }) => body);
      return `RECORDS ${queue} from ${words[at + disk.RECORDS_FIRST]} ${bodies.join(' ')}`;
    }
    const name = `${ANSWERS.get(type) ?? type} ${queue}`;
    if (words[at + disk.ANSWER_OK] === 0) return `${name}: ${rest(disk.ANSWER_WORDS)}`;
    if (type !== stream.FIGURES) return name;
    return `${name} ${words[at + disk.ANSWER_UNREAD + 1]} ${words[at + disk.ANSWER_DEFERRED]}`;
  }
}

/** The loop, its store, and its pumps. */
export class StreamSide {
  readonly clock = new ManualClock();
  readonly store = new RecordedStore();
  readonly pumps: readonly Pump[];
  readonly loop: StreamLoop;
  /** How often the loop has requested another turn. */
  wakes = 0;

  constructor(pumpCount = 1, replyBytes = 64 * 1024) {
    this.pumps = Array.from({ length: pumpCount }, () => new Pump(replyBytes));
    const links = this.pumps.map(({ link }) => link);
    this.loop = new StreamLoop(links, this.store, this.clock, () => {
      this.wakes++;
    });
  }

  get pump(): Pump {
    return this.pumps[0];
  }

  /** Lets the loop take turns until nothing more happens without time. Returns the answers to the first pump. */
  async turns(): Promise<string[]> {
    for (let turn = 0; turn < 3; turn++) {
      this.loop.step(this.clock.monotonicMs());
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.loop.step(this.clock.monotonicMs());
    return this.pump.take();
  }

  /** Moves the clock and lets the loop take turns. */
  async advance(byMs: number): Promise<string[]> {
    this.clock.advance(byMs);
    return await this.turns();
  }

  /** Opens a topic or channel successfully. Returns the answers to the first pump. */
  async opened(queue: number, topic: string, channel = ''): Promise<string[]> {
    this.pump.open(queue, topic, channel);
    await this.turns();
    this.store.settle(`open ${topic}:${channel}`);
    return await this.turns();
  }

  /** The calls of the store since the last call. */
  calls(): string[] {
    return this.store.calls.splice(0);
  }
}
