import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type LogStream, StderrSink, type WriteBytes } from '../../../src/daemon/stderr-sink.ts';

test('StderrSink: write hands lines to the stream', () => {
  const stream = new FakeStream();
  const sink = new StderrSink(stream);

  sink.write('one\n');
  sink.write('two\n');

  assert.deepEqual(stream.taken, ['one\n', 'two\n']);
});

test('StderrSink: drops lines while too much waits, and says how many', () => {
  const stream = new FakeStream();
  const sink = new StderrSink(stream);

  stream.writableLength = 1024 * 1024 + 1;
  sink.write('lost\n');
  sink.write('lost too\n');
  stream.writableLength = 0;
  sink.write('kept\n');
  sink.write('kept too\n');

  assert.deepEqual(stream.taken, [
    '(lines of the log that were lost: 2, stderr was not read)\nkept\n',
    'kept too\n',
  ]);
});

for (const code of ['EPIPE', 'EBADF']) {
  test(`StderrSink: after ${code} nothing is written`, () => {
    const stream = new FakeStream();
    const written: string[] = [];
    const sink = new StderrSink(stream, recorder(written));

    stream.emit('error', systemError(code));
    sink.write('lost\n');
    sink.writeSync('lost\n');

    assert.deepEqual([stream.taken, written], [[], []]);
  });
}

for (const code of ['ENOSPC', 'EIO', 'EDQUOT', 'EFBIG']) {
  test(`StderrSink: lines that ${code} has kept from a file are counted, and the log goes on`, (t) => {
    const written: string[] = [];
    let failure: string | undefined;
    const stream = new FakeStream(openSync(join(temporaryDirectory(t), 'log'), 'w'));
    t.after(() => closeSync(stream.fd));
    const sink = new StderrSink(stream, (fd, bytes) => {
      if (failure !== undefined) throw systemError(failure);
      return recorder(written)(fd, bytes);
    });

    sink.write('before\n');
    failure = code;
    sink.write('lost\n');
    sink.write('lost too\n');
    failure = undefined;
    sink.write('after\n');
    sink.write('later\n');

    assert.deepEqual(written, [
      'before\n',
      `(lines of the log that were lost: 2, ${code}: of the system)\nafter\n`,
      'later\n',
    ]);
  });
}

test('StderrSink: a line that was written in part is ended before the next', (t) => {
  const written: string[] = [];
  let room = 4;
  const stream = new FakeStream(openSync(join(temporaryDirectory(t), 'log'), 'w'));
  t.after(() => closeSync(stream.fd));
  const sink = new StderrSink(stream, (fd, bytes) => {
    if (room === 0) throw systemError('ENOSPC');
    const count = recorder(written)(fd, bytes.subarray(0, room));
    room -= count;
    return count;
  });

  sink.write('half a line\n');
  room = 1000;
  sink.write('whole\n');

  assert.equal(
    written.join(''),
    'half\n(lines of the log that were lost: 1, ENOSPC: of the system)\nwhole\n',
  );
});

test('StderrSink: past a stream that has failed, lines go to its descriptor', () => {
  const written: string[] = [];
  const stream = new FakeStream();
  const sink = new StderrSink(stream, recorder(written));

  stream.emit('error', systemError('EIO'));
  sink.write('after\n');

  assert.deepEqual(
    [stream.taken, written],
    [[], ['(lines of the log that were lost: 1, EIO: of the system)\nafter\n']],
  );
});

test('StderrSink: writeSync has written when it returns', (t) => {
  const path = join(temporaryDirectory(t), 'log');
  const stream = new FakeStream(openSync(path, 'w'));
  t.after(() => closeSync(stream.fd));

  new StderrSink(stream).writeSync('the end: é\n');

  assert.equal(readFileSync(path, 'utf8'), 'the end: é\n');
});

test('StderrSink: writeSync to a closed descriptor does not throw', (t) => {
  const fd = openSync(join(temporaryDirectory(t), 'log'), 'w');
  closeSync(fd);

  new StderrSink(new FakeStream(fd)).writeSync('x\n');
});

test('StderrSink: a program outlives the reader of its log', async (t) => {
  const program = `
    import { StderrSink } from ${JSON.stringify(new URL('../../../src/daemon/stderr-sink.ts', import.meta.url))};
    const sink = new StderrSink(process.stderr);
    process.stdin.resume().once('end', () => {
      sink.write('a\\n');
      setImmediate(() => {
        sink.write('b\\n');
        sink.writeSync('c\\n');
        process.stdout.write('alive');
      });
    });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');

  child.stderr.destroy();
  await once(child.stderr, 'close');
  child.stdin.end();

  assert.equal(await text(child.stdout), 'alive');
  assert.deepEqual(await exited, [0, null]);
});

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: of the system`), { code });
}

function recorder(written: string[]): WriteBytes {
  return (_fd, bytes) => {
    written.push(bytes.toString());
    return bytes.length;
  };
}

/** A stream that keeps what it is given. */
class FakeStream extends EventEmitter implements LogStream {
  readonly fd: number;
  readonly taken: string[] = [];
  writableLength = 0;

  constructor(fd = -1) {
    super();
    this.fd = fd;
  }

  write(line: string): boolean {
    this.taken.push(line);
    return true;
  }
}

function temporaryDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}
