/**
 * Counts HTTP answers. The first one is parsed; later ones usually have the same length, and only their status and the
 * end of their head are checked.
 *
 * Bound: it holds at most one incomplete answer.
 */

const STATUS_AT = 'HTTP/1.1 '.length;
const STATUS_BYTES = 3;
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);
/** No answer to a publish is longer. */
const ANSWER_BYTES_MAX = 1 << 16;

export class HttpReader {
  readonly #onOk: (count: number) => void;
  readonly #onRefused: (text: string) => void;
  #held = NOTHING;
  /** The head of the last answer, and its total length. */
  #headBytes = 0;
  #answerBytes = 0;

  /** `onOk`: the number of answers with status 200 in this chunk. `onRefused`: an answer with another status. */
  constructor(onOk: (count: number) => void, onRefused: (text: string) => void) {
    this.#onOk = onOk;
    this.#onRefused = onRefused;
  }

  /** Takes the first `end` bytes of a chunk. Errors: throws if they are not answers. */
  take(chunk: Buffer, end: number): void {
    const fresh = chunk.subarray(0, end);
    const bytes = this.#held.length === 0 ? fresh : Buffer.concat([this.#held, fresh]);
    let at = 0;
    let okCount = 0;
    while (at < bytes.length) {
      const length = this.#isAsLast(bytes, at) ? this.#answerBytes : this.#read(bytes, at);
      if (length === undefined || at + length > bytes.length) break;
      if (isOk(bytes, at)) okCount++;
      else this.#onRefused(bytes.toString('latin1', at, at + length));
      at += length;
    }
    if (bytes.length - at > ANSWER_BYTES_MAX) throw new Error('the server answers without an end');
    // copied: the chunk may be overwritten
    this.#held = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
    if (okCount > 0) this.#onOk(okCount);
  }

  /** Whether the answer there has a head of the same length as the last one, and status 200 too. */
  #isAsLast(bytes: Buffer, at: number): boolean {
    if (this.#answerBytes === 0 || at + this.#answerBytes > bytes.length) return false;
    const headEnd = at + this.#headBytes - HEAD_END.length;
    return isOk(bytes, at) && bytes.readUInt32BE(headEnd) === HEAD_END.readUInt32BE(0);
  }

  /** The length of the answer there, if its head has arrived. */
  #read(bytes: Buffer, at: number): number | undefined {
    const headEnd = bytes.indexOf(HEAD_END, at);
    if (headEnd === -1) return undefined;
    const head = bytes.toString('latin1', at, headEnd);
    const length = /^content-length: *(\d+)\r?$/im.exec(head)?.[1];
    if (!head.startsWith('HTTP/1.1 ') || length === undefined) {
      throw new Error(`no answer that can be counted: "${head}"`);
    }
    this.#headBytes = headEnd + HEAD_END.length - at;
    this.#answerBytes = this.#headBytes + Number(length);
    return this.#answerBytes;
  }
}

function isOk(bytes: Buffer, at: number): boolean {
  return bytes.toString('latin1', at + STATUS_AT, at + STATUS_AT + STATUS_BYTES) === '200';
}
