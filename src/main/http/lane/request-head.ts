/**
 * A strict parser for the head of a publish request: one form of each line, and nothing ambiguous. Everything else is
 * foreign and left to Node's complete HTTP parser.
 *
 * Shape: `POST /pub?<query> HTTP/1.1` or `/mpub`, each line ended by CR LF; fields `<name>: <value>` of visible ASCII
 * and spaces; one `Host`; at most one `Authorization`; one `Content-Length` of digits, or `Transfer-Encoding: chunked`;
 * `Connection`, if at all, `keep-alive` or `close`. No field that requests special handling or names another site as
 * the sender.
 *
 * Clients repeat the same head, so the last one is kept, and a head that equals it is not parsed again.
 *
 * Thread: main.
 */

/** More bytes are needed. */
export const INCOMPLETE = 0;
/** The input does not have this form. */
export const FOREIGN = -1;

/** A longer head is foreign. */
const HEAD_BYTES_MAX = 4096;
/** Longer heads are not kept; typical clients send 100 to 300 bytes. */
const KEPT_BYTES_MAX = 1024;
/** A number with more digits exceeds every limit for bodies. */
const LENGTH_DIGITS_MAX = 9;

/** Almost all heads of requests that are no publishes are shorter. */
const SHORT_HEAD_BYTES = 2048;
const HEAD_END = '\r\n\r\n';

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const DIGIT_ZERO = 0x30;
/** The bit that makes an ASCII letter lower-case. */
const LOWER_CASE = 0x20;

const PUB = Buffer.from('POST /pub?');
const MPUB = Buffer.from('POST /mpub?');
const VERSION = Buffer.from(' HTTP/1.1\r\n');

const NOTHING: Buffer = Buffer.alloc(0);
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const QUERY_BYTES = bytesOf(`${LETTERS}-._~&=%+`);
const NAME_BYTES = bytesOf(`${LETTERS}-_`);
const HOST_BYTES = bytesOf(`${LETTERS}-._:[]`);
const VALUE_BYTES = new Uint8Array(256).fill(1, SPACE, 0x7f);

/** Fields that make a head foreign. */
const FOREIGN_FIELDS = [
  'expect',
  'keep-alive',
  'origin',
  'proxy-connection',
  'sec-fetch-site',
  'te',
  'trailer',
  'upgrade',
];
const FOREIGN_LENGTHS: ReadonlySet<number> = new Set(FOREIGN_FIELDS.map(({ length }) => length));

export class RequestHead {
  isMany = false;
  /** The text after the `?`. */
  rawQuery = '';
  host = '';
  /** The field `Authorization`; empty without one. */
  authorization = '';
  /** Units: bytes of the body; -1 for a chunked body. */
  length = 0;
  isLast = false;

  readonly #isOwnHost: (host: string) => boolean;
  #kept = NOTHING;
  #keptBytes = 0;
  // The places of the parts of the head that is being read.
  #hostAt = 0;
  #hostEnd = 0;
  #authorizationAt = 0;
  #authorizationEnd = 0;
  #isLengthKnown = false;
  #isConnectionKnown = false;

  /** `isOwnHost`: a request for another host is foreign. */
  constructor(isOwnHost: (host: string) => boolean) {
    this.#isOwnHost = isOwnHost;
  }

  /** Parses the head that begins at `at`. Returns where it ends, INCOMPLETE, or FOREIGN. */
  read(bytes: Buffer, at: number, end: number): number {
    const kept = this.#keptBytes;
    if (kept > 0 && end - at >= kept && this.#kept.compare(bytes, at, at + kept, 0, kept) === 0) {
      return at + kept;
    }
    const headEnd = this.#read(bytes, at, Math.min(end, at + HEAD_BYTES_MAX));
    if (headEnd === INCOMPLETE) return end - at >= HEAD_BYTES_MAX ? FOREIGN : INCOMPLETE;
    this.#keptBytes = 0;
    if (headEnd === FOREIGN || !this.#isOwnHost(this.host)) return FOREIGN;
    if (!this.isLast && headEnd - at <= KEPT_BYTES_MAX) this.#keep(bytes, at, headEnd);
    return headEnd;
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    if (this.#kept.length < end - at) this.#kept = Buffer.allocUnsafe(end - at);
    this.#keptBytes = bytes.copy(this.#kept, 0, at, end);
  }

  #read(bytes: Buffer, start: number, end: number): number {
    let at = passPrefix(bytes, start, end, PUB);
    let isMany = false;
    if (at === FOREIGN) {
      at = passPrefix(bytes, start, end, MPUB);
      isMany = true;
    }
    if (at <= 0) return at;
    const queryAt = at;
    while (at < end && QUERY_BYTES[bytes[at]] === 1) at++;
    const queryEnd = at;
    at = passPrefix(bytes, at, end, VERSION);
    if (at <= 0) return at;
    const headEnd = this.#readFields(bytes, at, end);
    if (headEnd <= 0) return headEnd;
    this.isMany = isMany;
    this.rawQuery = bytes.toString('latin1', queryAt, queryEnd);
    this.host = bytes.toString('latin1', this.#hostAt, this.#hostEnd);
    const isAuthorized = this.#authorizationEnd > 0;
    this.authorization = isAuthorized
      ? bytes.toString('latin1', this.#authorizationAt, this.#authorizationEnd)
      : '';
    return headEnd;
  }

  #readFields(bytes: Buffer, start: number, end: number): number {
    this.#hostEnd = 0;
    this.#authorizationEnd = 0;
    this.#isLengthKnown = false;
    this.#isConnectionKnown = false;
    this.isLast = false;
    let at = start;
    while (at < end && bytes[at] !== CR) {
      at = this.#readField(bytes, at, end);
      if (at <= 0) return at;
    }
    if (at + 1 >= end) return INCOMPLETE;
    if (bytes[at + 1] !== LF) return FOREIGN;
    return this.#hostEnd > 0 && this.#isLengthKnown ? at + 2 : FOREIGN;
  }

  #readField(bytes: Buffer, nameAt: number, end: number): number {
    let at = nameAt;
    while (at < end && NAME_BYTES[bytes[at]] === 1) at++;
    if (at === end) return INCOMPLETE;
    if (bytes[at] !== COLON || at === nameAt) return FOREIGN;
    const nameEnd = at++;
    while (at < end && bytes[at] === SPACE) at++;
    const valueAt = at;
    while (at < end && VALUE_BYTES[bytes[at]] === 1) at++;
    if (at === end) return INCOMPLETE;
    if (bytes[at] !== CR) return FOREIGN;
    if (at + 1 === end) return INCOMPLETE;
    if (bytes[at + 1] !== LF) return FOREIGN;
    return this.#takeField(bytes, nameAt, nameEnd, valueAt, at) ? at + 2 : FOREIGN;
  }

  /** Returns false for a field that makes the head foreign. */
  #takeField(
    bytes: Buffer,
    nameAt: number,
    nameEnd: number,
    valueAt: number,
    valueEnd: number,
  ): boolean {
    const length = nameEnd - nameAt;
    if (length === 4 && isText(bytes, nameAt, nameEnd, 'host')) {
      return this.#takeHost(bytes, valueAt, valueEnd);
    }
    if (length === 14 && isText(bytes, nameAt, nameEnd, 'content-length')) {
      return this.#takeLength(bytes, valueAt, valueEnd);
    }
    if (length === 17 && isText(bytes, nameAt, nameEnd, 'transfer-encoding')) {
      if (this.#isLengthKnown || !isText(bytes, valueAt, valueEnd, 'chunked')) return false;
      this.#isLengthKnown = true;
      this.length = -1;
      return true;
    }
    if (length === 10 && isText(bytes, nameAt, nameEnd, 'connection')) {
      if (this.#isConnectionKnown) return false;
      this.#isConnectionKnown = true;
      this.isLast = isText(bytes, valueAt, valueEnd, 'close');
      return this.isLast || isText(bytes, valueAt, valueEnd, 'keep-alive');
    }
    if (length === 13 && isText(bytes, nameAt, nameEnd, 'authorization')) {
      if (this.#authorizationEnd > 0) return false;
      this.#authorizationAt = valueAt;
      this.#authorizationEnd = valueEnd;
      return true;
    }
    if (!FOREIGN_LENGTHS.has(length)) return true;
    return !FOREIGN_FIELDS.some((name) => isText(bytes, nameAt, nameEnd, name));
  }

  #takeHost(bytes: Buffer, valueAt: number, valueEnd: number): boolean {
    if (this.#hostEnd > 0 || valueAt === valueEnd) return false;
    for (let at = valueAt; at < valueEnd; at++) {
      if (HOST_BYTES[bytes[at]] !== 1) return false;
    }
    this.#hostAt = valueAt;
    this.#hostEnd = valueEnd;
    return true;
  }

  #takeLength(bytes: Buffer, valueAt: number, valueEnd: number): boolean {
    const digitCount = valueEnd - valueAt;
    if (this.#isLengthKnown || digitCount === 0 || digitCount > LENGTH_DIGITS_MAX) return false;
    let length = 0;
    for (let at = valueAt; at < valueEnd; at++) {
      const digit = bytes[at] - DIGIT_ZERO;
      if (digit < 0 || digit > 9) return false;
      length = length * 10 + digit;
    }
    this.#isLengthKnown = true;
    this.length = length;
    return true;
  }
}

/** Whether input begins with the whole head of a request, a short one. */
export function hasShortHead(input: Buffer): boolean {
  return input.subarray(0, SHORT_HEAD_BYTES).includes(HEAD_END);
}

/** Returns where the prefix ends, INCOMPLETE if the input ends within it, or FOREIGN. */
function passPrefix(bytes: Buffer, start: number, end: number, prefix: Buffer): number {
  for (let index = 0; index < prefix.length; index++) {
    if (start + index === end) return INCOMPLETE;
    if (bytes[start + index] !== prefix[index]) return FOREIGN;
  }
  return start + prefix.length;
}

/** Compares with a text of lower-case letters and hyphens, ignoring case. */
function isText(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const byte = bytes[start + index];
    if (byte !== code && (byte | LOWER_CASE) !== code) return false;
  }
  return true;
}

/** A table that holds 1 for each byte of the text. */
function bytesOf(text: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(text)) table[byte] = 1;
  return table;
}
