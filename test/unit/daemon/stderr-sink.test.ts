import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type LogStream, StderrSink } from '../../../src/daemon/stderr-sink.ts';

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
    '(2 lines of the log were dropped: nobody read them)\n',
    'kept\n',
    'kept too\n',
  ]);
});

test('StderrSink: after an error of the stream nothing is written', () => {
  const stream = new FakeStream();
  const sink = new StderrSink(stream);

  stream.emit('error', new Error('write EPIPE'));
  sink.write('lost\n');

  assert.deepEqual(stream.taken, []);
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
