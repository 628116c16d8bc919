import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BYTES_PER_COST, LINE_COST } from '../../../../src/main/limits/turn-budget.ts';
import {
  type BatchBodyHandler,
  CLOSED,
  type CommandHandler,
  NEXT,
  type Place,
  type SizedBodyHandler,
  type Step,
  WAIT,
} from '../../../../src/main/tcp/command-handler.ts';
import { CommandParser } from '../../../../src/main/tcp/command-parser.ts';
import { spareBuffers } from '../../../../src/main/tcp/spare-buffers.ts';
import { ClientError } from '../../../../src/protocol/client-error.ts';
import { randomChunks, singleBytes } from '../../../support/chunks.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const SEED = 20261121;
const ID = '0123456789abcdef';
const BODY_MAX = 100;

/** Writes down every call; knows the commands by their first word, as a connection does. */
class Recorder implements CommandHandler {
  readonly calls: string[] = [];
  /** Asked before each call that may answer WAIT. */
  mayTake: () => boolean = () => true;
  /** What takes the bodies of PUB, and of MPUB. */
  readonly single: SizedBodyHandler = {
    kind: 'sized',
    onSize: (size) => this.onBodySize(size),
    onBody: (bytes, at, size) => this.onBody(bytes, at, size),
    cutOff: (place) => cutOffAt(place),
  };
  readonly batch: BatchBodyHandler = {
    kind: 'batch',
    onSize: (size) => this.onBatchSize(size),
    onCount: (count) => this.onBatchCount(count),
    onMessageSize: (index, size, bytes) => this.onBatchMessageSize(index, size, bytes),
    onBatch: (bytes, at, length, count) => this.onBatch(bytes, at, length, count),
    cutOff: (place, messageIndex) =>
      cutOffAt(place.startsWith('message') ? `${place} ${messageIndex}` : place),
  };

  onMagic(bytes: Buffer, at: number): boolean {
    const magic = bytes.toString('latin1', at, at + 4);
    this.calls.push(`magic ${magic}`);
    return magic === '  V2';
  }

  onLine(bytes: Buffer, at: number, end: number): Step | SizedBodyHandler | BatchBodyHandler {
    if (!this.mayTake()) return WAIT;
    const line = bytes.toString('latin1', at, end);
    this.calls.push(`line ${line}`);
    if (line.startsWith('PUB')) return this.single;
    if (line.startsWith('MPUB')) return this.batch;
    return line === 'STOP' ? CLOSED : NEXT;
  }

  onFinish(idHigh: number, idLow: number): Step {
    if (!this.mayTake()) return WAIT;
    const high = idHigh.toString(16).padStart(8, '0');
    this.calls.push(`line FIN ${high}${idLow.toString(16).padStart(8, '0')}`);
    return NEXT;
  }

  onBodySize(size: number): boolean {
    this.calls.push(`size ${size}`);
    return size > 0 && size <= BODY_MAX;
  }

  onBody(bytes: Buffer, at: number, size: number): Step {
    if (!this.mayTake()) return WAIT;
    assert.equal(bytes.readInt32BE(at - 4), size, 'the size field stands in front of a body');
    const body = bytes.toString('latin1', at, at + size);
    this.calls.push(`body ${body}`);
    return body === 'stop' ? CLOSED : NEXT;
  }

  onBatchSize(size: number): boolean {
    this.calls.push(`batch size ${size}`);
    return size > 0;
  }

  onBatchCount(count: number): boolean {
    this.calls.push(`count ${count}`);
    return count > 0;
  }

  onBatchMessageSize(index: number, size: number, bytes: number): boolean {
    this.calls.push(`message ${index} size ${size} of ${bytes}`);
    return size > 0 && size <= BODY_MAX;
  }

  onBatch(bytes: Buffer, at: number, length: number, count: number): Step {
    if (!this.mayTake()) return WAIT;
    this.calls.push(`batch ${count}: ${bytes.toString('latin1', at, at + length)}`);
    return NEXT;
  }

  onLineTooLong(): void {
    this.calls.push('line too long');
  }
}

function cutOffAt(place: Place | string): ClientError {
  return new ClientError('E_INVALID', place);
}

/** Where the input would be cut off; none where no body would be lost. */
function placeOf(parser: CommandParser): string {
  return parser.cutOff()?.data.toString().replace('E_INVALID ', '') ?? 'none';
}

function bytesOf(...parts: readonly (string | number)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part, 'latin1');
      const number = Buffer.alloc(4);
      number.writeInt32BE(part);
      return number;
    }),
  );
}

/** Feeds each chunk in memory that is overwritten as soon as `feed` returns. */
function feedAll(parser: CommandParser, chunks: readonly Buffer[]): void {
  for (const chunk of chunks) {
    const reused = Buffer.from(chunk);
    parser.feed(reused);
    reused.fill(0xa5);
  }
}

function callsOf(chunks: readonly Buffer[]): string[] {
  const recorder = new Recorder();
  feedAll(new CommandParser(recorder), chunks);
  return recorder.calls;
}

/** Asserts the calls for the input as a whole, byte by byte and in random chunks. */
function assertCalls(input: Buffer, expected: readonly string[]): void {
  assert.deepStrictEqual(callsOf([input]), expected);
  assert.deepStrictEqual(callsOf(singleBytes(input)), expected, 'byte by byte');
  const random = seededRandom(SEED);
  for (let run = 0; run < 20; run++) {
    const chunks = randomChunks(input, random);
    assert.deepStrictEqual(callsOf(chunks), expected, `in chunks, seed ${SEED}, run ${run}`);
  }
}

const EVERYTHING = bytesOf(
  '  V2NOP\nPUB a\n',
  3,
  'one',
  `FIN ${ID}\nMPUB b\n`,
  99,
  3,
  1,
  'x',
  2,
  'yz',
  3,
  '\n\r\n',
  'RDY 5\r\nPUB c\n',
  1,
  '\n',
  `FIN ${ID.toUpperCase()}\n`,
  'CLS\n',
);
const EVERYTHING_CALLS = [
  'magic   V2',
  'line NOP',
  'line PUB a',
  'size 3',
  'body one',
  `line FIN ${ID}`,
  'line MPUB b',
  'batch size 99',
  'count 3',
  'message 0 size 1 of 5',
  'message 1 size 2 of 11',
  'message 2 size 3 of 18',
  'batch 3: \0\0\0\x01x\0\0\0\x02yz\0\0\0\x03\n\r\n',
  'line RDY 5',
  'line PUB c',
  'size 1',
  'body \n',
  `line FIN ${ID.toUpperCase()}`,
  'line CLS',
];

describe('CommandParser: calls do not depend on chunks', () => {
  const cases: readonly (readonly [string, Buffer, readonly string[]])[] = [
    ['every kind of command', EVERYTHING, EVERYTHING_CALLS],
    ['no byte', bytesOf(''), []],
    ['an unknown magic', bytesOf('GET / HTTP\n'), ['magic GET ']],
    ['half a magic', bytesOf('  V'), []],
    ['an empty line', bytesOf('  V2\n\r\n\n'), ['magic   V2', 'line ', 'line ', 'line ']],
    ['one carriage return of two', bytesOf('  V2A\r\r\n'), ['magic   V2', 'line A\r']],
    ['a carriage return inside', bytesOf('  V2A\rB\n'), ['magic   V2', 'line A\rB']],
    ['spaces', bytesOf('  V2SUB a  c \n'), ['magic   V2', 'line SUB a  c ']],
    ['a line without its end', bytesOf('  V2NOP\nNOP'), ['magic   V2', 'line NOP']],
    ['a refused size', bytesOf('  V2PUB\n', -1, 'NOP\n'), ['magic   V2', 'line PUB', 'size -1']],
    [
      'a refused batch size',
      bytesOf('  V2MPUB\n', 0, 1),
      ['magic   V2', 'line MPUB', 'batch size 0'],
    ],
    [
      'a refused count',
      bytesOf('  V2MPUB\n', 1, -5, 1),
      ['magic   V2', 'line MPUB', 'batch size 1', 'count -5'],
    ],
    [
      'a refused message',
      bytesOf('  V2MPUB\n', 9, 2, 1, 'a', 101, 'b'),
      [
        'magic   V2',
        'line MPUB',
        'batch size 9',
        'count 2',
        'message 0 size 1 of 5',
        'message 1 size 101 of 110',
      ],
    ],
    ['a command that ends all', bytesOf('  V2STOP\nNOP\n'), ['magic   V2', 'line STOP']],
    [
      'a body that ends all',
      bytesOf('  V2PUB\n', 4, 'stopNOP\n'),
      ['magic   V2', 'line PUB', 'size 4', 'body stop'],
    ],
    [
      'a body of newlines',
      bytesOf('  V2PUB\n', 40, '\n'.repeat(40), 'NOP\n'),
      ['magic   V2', 'line PUB', 'size 40', `body ${'\n'.repeat(40)}`, 'line NOP'],
    ],
  ];
  for (const [name, input, expected] of cases) {
    test(`CommandParser: ${name}`, () => assertCalls(input, expected));
  }

  for (const announced of [1, 23, 24, 25, 1000, 2 ** 31 - 1]) {
    test(`CommandParser: an MPUB of 24 bytes that announces ${announced}`, () => {
      const input = bytesOf(
        '  V2MPUB\n',
        announced,
        2,
        5,
        'first',
        7,
        'seconds',
        'NOP\nPUB\n',
        2,
        'ok',
      );

      assertCalls(input, [
        'magic   V2',
        'line MPUB',
        `batch size ${announced}`,
        'count 2',
        'message 0 size 5 of 9',
        'message 1 size 7 of 20',
        'batch 2: \0\0\0\x05first\0\0\0\x07seconds',
        'line NOP',
        'line PUB',
        'size 2',
        'body ok',
      ]);
    });
  }

  test('CommandParser: every cut into two chunks gives the same calls', () => {
    for (let cut = 0; cut <= EVERYTHING.length; cut++) {
      const chunks = [EVERYTHING.subarray(0, cut), EVERYTHING.subarray(cut)];

      assert.deepStrictEqual(callsOf(chunks), EVERYTHING_CALLS, `cut at ${cut}`);
    }
  });
});

describe('CommandParser: FIN', () => {
  // What the shortcut takes and what it must leave to the slow path give calls of one form here.
  const cases: readonly (readonly [string, string])[] = [
    ['lower-case hex', `FIN ${ID}`],
    ['the largest id', 'FIN ffffffffffffffff'],
    ['the smallest id', 'FIN 0000000000000000'],
    ['upper-case hex', 'FIN 0123456789ABCDEF'],
    ['one upper-case digit', 'FIN 0123456789abcdeF'],
    ['no hex', 'FIN ghijklmnopqrstuv'],
    ['15 characters', 'FIN 0123456789abcde'],
    ['17 characters', 'FIN 0123456789abcdef0'],
    ['a word behind the id', `FIN ${ID} x`],
    ['another command of that length', `FIX ${ID}`],
    ['no space', `FIN_${ID}`],
  ];
  for (const [name, line] of cases) {
    test(`CommandParser: FIN with ${name}`, () => {
      for (const end of ['\n', '\r\n']) {
        assertCalls(bytesOf(`  V2${line}${end}NOP\n`), ['magic   V2', `line ${line}`, 'line NOP']);
      }
    });
  }

  test('CommandParser: a newline inside the id ends the line there', () => {
    assertCalls(bytesOf('  V2FIN 01234567\n9abcdef\n'), [
      'magic   V2',
      'line FIN 01234567',
      'line 9abcdef',
    ]);
  });
});

describe('CommandParser: longest line', () => {
  for (const end of ['\n', '\r\n']) {
    test(`CommandParser: a line of 16384 bytes with ${JSON.stringify(end)} is taken`, () => {
      const line = 'x'.repeat(16384 - end.length);

      const input = bytesOf(`  V2${line}${end}NOP\n`);

      const expected = ['magic   V2', `line ${line}`, 'line NOP'];
      assert.deepStrictEqual(callsOf([input]), expected);
      assert.deepStrictEqual(callsOf(singleBytes(input)), expected);
    });

    test(`CommandParser: a line of 16385 bytes with ${JSON.stringify(end)} is too long`, () => {
      const input = bytesOf(`  V2${'x'.repeat(16385 - end.length)}${end}NOP\n`);

      const expected = ['magic   V2', 'line too long'];
      assert.deepStrictEqual(callsOf([input]), expected);
      assert.deepStrictEqual(callsOf(singleBytes(input)), expected);
    });
  }

  test('CommandParser: a line too long behind others is found however it comes', () => {
    const input = bytesOf(`  V2NOP\n${'x'.repeat(20000)}`);
    const random = seededRandom(SEED);

    for (let run = 0; run < 10; run++) {
      const calls = callsOf(randomChunks(input, random, 9000));

      assert.deepStrictEqual(calls, ['magic   V2', 'line NOP', 'line too long'], `seed ${SEED}`);
    }
  });
});

describe('CommandParser: memory', () => {
  test('CommandParser: a body in many chunks is gathered in small buffers, and then in one of its size and a read more', (t) => {
    const MIB = 2 ** 20;
    const sizes: number[] = [];
    const take = spareBuffers.take.bind(spareBuffers);
    t.mock.method(spareBuffers, 'take', (bytes: number) => {
      sizes.push(bytes);
      return take(bytes);
    });
    const recorder = new Recorder();
    recorder.onBodySize = () => true;
    const parser = new CommandParser(recorder);
    const chunk = Buffer.alloc(MIB / 4);

    feedAll(parser, [bytesOf('  V2PUB\n', 5 * MIB), ...Array<Buffer>(19).fill(chunk)]);

    assert.deepStrictEqual(
      sizes.map((bytes) => bytes / MIB).filter((bytes) => bytes >= 0.25),
      [(5.25 * MIB + 4) / MIB],
    );
  });
});

describe('CommandParser: waiting', () => {
  test('CommandParser: waiting at any point gives the same calls', () => {
    const random = seededRandom(SEED);
    for (let run = 0; run < 300; run++) {
      const recorder = new Recorder();
      const parser = new CommandParser(recorder);
      recorder.mayTake = () => random(2) === 0;
      const chunks = randomChunks(EVERYTHING, random, 80);
      for (const chunk of chunks) {
        if (random(5) === 0) parser.wait();
        feedAll(parser, [chunk]);
        while (random(2) === 0) parser.resume();
      }
      while (parser.isWaiting) parser.resume();

      const expected = EVERYTHING_CALLS;
      assert.deepStrictEqual(recorder.calls, expected, `seed ${SEED}, run ${run}`);
      assert.equal(parser.heldBytes, 0);
      assert.equal(parser.commandCount, 8);
    }
  });

  test('CommandParser: allowances of any size give the same calls', () => {
    const random = seededRandom(SEED);
    for (let run = 0; run < 300; run++) {
      const recorder = new Recorder();
      const parser = new CommandParser(recorder);
      parser.allowance = 0;
      for (const chunk of randomChunks(EVERYTHING, random, 80)) {
        feedAll(parser, [chunk]);
        while (random(2) === 0) {
          parser.allowance = random(30);
          parser.resume();
        }
      }
      while (parser.isWaiting) {
        parser.allowance = 1;
        parser.resume();
        if (parser.heldBytes === 0) break;
      }

      const expected = EVERYTHING_CALLS;
      assert.deepStrictEqual(recorder.calls, expected, `seed ${SEED}, run ${run}`);
      assert.equal(parser.heldBytes, 0);
    }
  });

  test('CommandParser: it takes no more than its allowance, and holds the rest', () => {
    const recorder = new Recorder();
    const parser = new CommandParser(recorder);
    parser.allowance = 2 * LINE_COST;
    feedAll(parser, [bytesOf('  V2', 'NOP\n'.repeat(5))]);
    const before = [recorder.calls.length, parser.isWaiting, parser.heldBytes];

    parser.allowance = 100;
    parser.resume();

    assert.deepStrictEqual(before, [3, true, 12]);
    assert.deepStrictEqual([recorder.calls.length, parser.isWaiting], [6, false]);
    assert.equal(parser.allowance, 100 - 3 * LINE_COST);
  });

  test('CommandParser: bytes cost something too, behind the commands that they bring', () => {
    const recorder = new Recorder();
    const parser = new CommandParser(recorder);
    parser.allowance = 10 * LINE_COST;

    feedAll(parser, [bytesOf('  V2NOP\nPUB\n', 0x7fffffff), Buffer.alloc(100 * BYTES_PER_COST)]);

    assert.deepStrictEqual(recorder.calls.slice(0, 3), ['magic   V2', 'line NOP', 'line PUB']);
    assert.equal(parser.allowance, 8 * LINE_COST - 100);
  });

  test('CommandParser: wait holds what is fed until resume', () => {
    const recorder = new Recorder();
    const parser = new CommandParser(recorder);
    parser.wait();
    feedAll(parser, [bytesOf('  V2NOP\n'), bytesOf('CLS\n')]);
    const heldBytes = parser.heldBytes;
    const before = [...recorder.calls];

    parser.resume();

    assert.deepStrictEqual([before, heldBytes], [[], 12]);
    assert.deepStrictEqual(recorder.calls, ['magic   V2', 'line NOP', 'line CLS']);
  });

  test('CommandParser: resume without waiting does nothing', () => {
    const recorder = new Recorder();
    const parser = new CommandParser(recorder);
    feedAll(parser, [bytesOf('  V2NO')]);

    parser.resume();

    assert.deepStrictEqual([recorder.calls, parser.heldBytes], [['magic   V2'], 2]);
  });

  test('CommandParser: a command that is not taken is not counted', () => {
    const recorder = new Recorder();
    const parser = new CommandParser(recorder);
    recorder.mayTake = () => false;
    feedAll(parser, [bytesOf('  V2NOP\n')]);

    parser.resume();

    assert.deepStrictEqual([parser.commandCount, parser.isWaiting], [0, true]);
  });

  for (const isDropped of [false, true]) {
    const name = isDropped ? 'until it is dropped, and after that' : 'until it is taken';
    test(`CommandParser: bytes that are lent stay as they are ${name}`, (t) => {
      const body = 'b'.repeat(BODY_MAX);
      let lent: Buffer | undefined;
      const recorder = new Recorder();
      const parser = new CommandParser(recorder);
      recorder.onBody = (bytes, at, size) => {
        if (lent !== undefined) return NEXT;
        assert.equal(parser.lend(), true);
        lent = bytes.subarray(at, at + size);
        return WAIT;
      };
      const given: Buffer[] = [];
      t.mock.method(spareBuffers, 'give', (buffer: Buffer) => given.push(buffer));
      recorder.onLine = () => recorder.single;
      // The second chunk is larger than what there is room for behind the body.
      feedAll(parser, [
        bytesOf('  V2PUB\n', BODY_MAX, body.slice(0, 10)),
        bytesOf(body.slice(10), 'x'.repeat(5000)),
      ]);

      if (isDropped) parser.drop();

      assert.equal(lent?.toString(), body);
      assert.equal(
        given.some(({ buffer }) => buffer === lent?.buffer),
        false,
      );
    });
  }

  test('CommandParser: what it has not copied it does not lend', () => {
    const recorder = new Recorder();
    const parser = new CommandParser(recorder);
    const lent: boolean[] = [];
    recorder.onBody = () => {
      lent.push(parser.lend());
      return WAIT;
    };

    feedAll(parser, [bytesOf('  V2PUB\n', 3, 'abc')]);
    // By now it has.
    parser.resume();

    assert.deepStrictEqual(lent, [false, true]);
  });

  test('CommandParser: closed while it waits it takes nothing more and holds nothing', () => {
    const recorder = new Recorder();
    const parser = new CommandParser(recorder);
    recorder.mayTake = () => false;
    feedAll(parser, [bytesOf('  V2NOP\n')]);
    recorder.mayTake = () => true;
    parser.close();

    parser.resume();
    feedAll(parser, [bytesOf('NOP\n')]);

    assert.deepStrictEqual([recorder.calls, parser.heldBytes], [['magic   V2'], 0]);
  });
});

describe('CommandParser: end of input', () => {
  /** The place at every cut: `[bytes fed, place]` wherever it changes. */
  function placesOf(input: Buffer): (readonly [number, string])[] {
    const places: (readonly [number, string])[] = [];
    for (let cut = 0; cut <= input.length; cut++) {
      const parser = new CommandParser(new Recorder());
      feedAll(parser, [input.subarray(0, cut)]);
      const place = placeOf(parser);
      if (places.at(-1)?.[1] !== place) places.push([cut, place]);
    }
    return places;
  }

  test('CommandParser: no body is lost inside a line', () => {
    assert.deepStrictEqual(placesOf(bytesOf('  V2NOP\nCL')), [[0, 'none']]);
  });

  test('CommandParser: the place inside a sized body', () => {
    assert.deepStrictEqual(placesOf(bytesOf('  V2PUB\n', 3, 'abc', 'N')), [
      [0, 'none'],
      [8, 'size'],
      [12, 'body'],
      [15, 'none'],
    ]);
  });

  test('CommandParser: the place inside the body of an MPUB', () => {
    assert.deepStrictEqual(placesOf(bytesOf('  V2MPUB\n', 99, 3, 1, 'a', 2, 'bc', 1, 'd', 'N')), [
      [0, 'none'],
      [9, 'size'],
      [13, 'count'],
      [17, 'message size 0'],
      [21, 'message body 0'],
      [22, 'message size 1'],
      [26, 'message body 1'],
      [28, 'message size 2'],
      [32, 'message body 2'],
      [33, 'none'],
    ]);
  });

  test('CommandParser: a second MPUB counts its messages from 0', () => {
    const first = bytesOf('  V2MPUB\n', 99, 2, 1, 'a', 1, 'b');
    const parser = new CommandParser(new Recorder());

    feedAll(parser, [first, bytesOf('MPUB\n', 99, 2, 1, 'c')]);

    assert.equal(placeOf(parser), 'message size 1');
  });
});

describe('CommandParser: memory', () => {
  test('CommandParser: what is announced takes no memory before it comes', () => {
    const parser = new CommandParser(new Recorder());

    feedAll(parser, [bytesOf('  V2PUB\n', BODY_MAX, 'x')]);

    assert.equal(parser.heldBytes, 5);
  });

  test('CommandParser: what is behind a command in two chunks is handed on as a view of the second', () => {
    const sources: Buffer[] = [];
    const recorder = new Recorder();
    const onLine = recorder.onLine.bind(recorder);
    recorder.onLine = (bytes, at, end) => {
      sources.push(bytes);
      return onLine(bytes, at, end);
    };
    const parser = new CommandParser(recorder);
    const second = bytesOf('P\nNOP\nNOP\n');

    parser.feed(bytesOf('  V2NO'));
    parser.feed(second);

    assert.deepStrictEqual(
      sources.map((source) => source === second),
      [false, true, true],
    );
  });

  test('CommandParser: a body of megabytes in small chunks', () => {
    const recorder = new Recorder();
    recorder.onBodySize = () => true;
    const parser = new CommandParser(recorder);
    const body = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
    const input = Buffer.concat([bytesOf('  V2PUB\n', body.length), body, Buffer.from('NOP\n')]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < input.length; at += 1000) chunks.push(input.subarray(at, at + 1000));

    feedAll(parser, chunks);

    assert.deepStrictEqual(recorder.calls.slice(1), [
      'line PUB',
      `body ${body.toString('latin1')}`,
      'line NOP',
    ]);
  });

  test('CommandParser: between commands nothing is held', () => {
    const parser = new CommandParser(new Recorder());
    const held: number[] = [];
    const random = seededRandom(SEED);

    for (let run = 0; run < 200; run++) {
      const chunks = randomChunks(run === 0 ? EVERYTHING : EVERYTHING.subarray(4), random);
      feedAll(parser, chunks);
      held.push(parser.heldBytes);
    }

    assert.deepStrictEqual([...new Set(held)], [0]);
  });

  test('CommandParser: no more than one unfinished command is held', () => {
    const parser = new CommandParser(new Recorder());
    let most = 0;

    for (let run = 0; run < 100; run++) {
      for (const byte of singleBytes(run === 0 ? EVERYTHING : EVERYTHING.subarray(4))) {
        feedAll(parser, [byte]);
        most = Math.max(most, parser.heldBytes);
      }
    }

    // A FIN with its id is the longest of these commands, and is taken with its newline.
    assert.equal(most, 20);
  });

  test('CommandParser: a connection that ended holds nothing', () => {
    const parser = new CommandParser(new Recorder());

    feedAll(parser, [bytesOf('  V2STOP\nNOP\nNOP\n')]);

    assert.equal(parser.heldBytes, 0);
  });

  test('CommandParser: it says how much a body takes before it has come', () => {
    const heads: Readonly<Record<string, Buffer>> = {
      'a line': bytesOf('  V2NO'),
      PUB: bytesOf('  V2PUB\n', 100, 'x'),
      MPUB: bytesOf('  V2MPUB\n', 100, 2),
      'MPUB that says too little': bytesOf('  V2MPUB\n', 10, 2, 20, 'x'),
      'MPUB without end': bytesOf('  V2MPUB\n', 8, 2, 1, 'xyz'),
    };

    const wanted = Object.entries(heads).map(([what, bytes]) => {
      const parser = new CommandParser(new Recorder());
      feedAll(parser, [bytes]);
      return [what, parser.heldBytes, parser.wantedBytes];
    });

    assert.deepStrictEqual(wanted, [
      ['a line', 2, 2],
      ['PUB', 5, 104],
      ['MPUB', 0, 96],
      ['MPUB that says too little', 5, 24],
      ['MPUB without end', 7, 9],
    ]);
  });

  test('CommandParser: a body in part wants the rest whether the allowance is spent or not', () => {
    const parser = new CommandParser(new Recorder());
    feedAll(parser, [bytesOf('  V2PUB\n', 100, 'x')]);

    parser.allowance = 0;
    const inPart = [parser.heldBytes, parser.wantedBytes];
    parser.feed(Buffer.alloc(99, 'x'));

    assert.deepStrictEqual([inPart, parser.heldBytes, parser.wantedBytes], [[5, 104], 104, 104]);
  });

  test('CommandParser: what is dropped is held no longer', () => {
    const parser = new CommandParser(new Recorder());
    feedAll(parser, [bytesOf('  V2PUB\n', 100, 'x')]);

    parser.drop();
    parser.feed(bytesOf('y'));

    assert.deepStrictEqual([parser.heldBytes, parser.wantedBytes], [0, 0]);
  });

  test('CommandParser: an MPUB of many messages is walked over as far as the allowance goes', () => {
    const count = 1000;
    const indexes: number[] = [];
    const recorder = new Recorder();
    const parser = new CommandParser(recorder);
    recorder.onBatchMessageSize = (index) => {
      indexes.push(index);
      parser.allowance--;
      return true;
    };
    const messages = Array.from({ length: count }, () => [1, 'x']).flat();
    parser.allowance = 400;

    feedAll(parser, [bytesOf('  V2MPUB\n', 4 + 5 * count, count, ...messages, 'NOP\n')]);
    const takenCounts = [indexes.length];
    while (parser.commandCount === 0) {
      parser.allowance = 400;
      parser.resume();
      takenCounts.push(indexes.length);
    }

    // The line costs some of the first allowance.
    assert.deepStrictEqual(takenCounts, [400 - LINE_COST, 800 - LINE_COST, count]);
    assert.deepStrictEqual(indexes, [...Array(count).keys()]);
    assert.equal(placeOf(parser), 'none');
  });
});
