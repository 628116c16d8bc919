/**
 * Makes accepted sockets read into one shared buffer. By default each read allocates 64 KiB, which costs more than
 * handling the commands in it.
 *
 * Node has this as `onread`, but documents it only for sockets that connect. Accepted ones get it here through the
 * private fields that the option sets; a second socket on the same handle would cost a tenth of a short connection. If
 * Node's internals change, sockets stay as accepted: slower, but otherwise the same.
 *
 * Bound: a read is at most READ_BYTES. Larger reads split fewer commands; more than 256 KiB makes no difference. A
 * socket's first reads are smaller, so that many clients that start flooding at once do not delay others for long.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { freeMemory } from './free-memory.ts';

const READ_BYTES = 256 * 1024;
const FIRST_READ_BYTES = 64 * 1024;
/** After this many reads that fill the buffer, a client gets large reads. */
const FULL_READS = 2;
/** Some hundred short requests, which take about a millisecond to parse. */
const PIECE_BYTES = 8 * 1024;

/**
 * The private parts of a socket: its native handle, which can read into given memory, and from which Node's HTTP
 * parser reads directly unless another reader is installed; and the fields of the option `onread`, which are symbols.
 */
type SocketInside = {
  _handle?: { useUserBuffer?: (memory: Buffer) => void; _consumed?: boolean } | null;
  [field: symbol]: unknown;
};

const memory = Buffer.allocUnsafeSlow(READ_BYTES);
const firstMemory = memory.subarray(0, FIRST_READ_BYTES);

/** For each socket that shares reads, the function that stops that. */
const stops = new WeakMap<Socket, () => void>();

/**
 * Makes a socket that has just been accepted share reads. It emits `data` like any socket, but the next read of any
 * socket overwrites the chunk, so use or copy it at once. `isSmall`: all reads are as small as the first ones.
 * Returns false if the socket stays as it is.
 */
export function shareReads(socket: Socket, isSmall = false): boolean {
  // The types declare only the public API.
  const inside = socket as unknown as SocketInside;
  const handle = inside._handle;
  if (typeof handle?.useUserBuffer !== 'function') return false;
  fields ??= fieldsOf(socket);
  if (fields === null) return false;
  let fullReads = 0;
  let isShared = true;
  // Called after each read for the buffer of the next reads; undefined keeps the current one.
  inside[fields.nextBuffer] = (): Buffer | undefined => {
    if (fullReads !== FULL_READS || isSmall) return undefined;
    fullReads++;
    return memory;
  };
  inside[fields.callback] = (bytes: number): boolean => {
    const chunk = memory.subarray(0, bytes);
    if (!isShared) return pushCopies(socket, chunk);
    if (bytes === FIRST_READ_BYTES && fullReads < FULL_READS) fullReads++;
    socket.emit('data', chunk);
    return true;
  };
  inside[fields.buffer] = firstMemory;
  handle.useUserBuffer(firstMemory);
  stops.set(socket, () => {
    isShared = false;
    handle._consumed = true;
  });
  return true;
}

/** The private fields of the option `onread`; null in a Node that has others, undefined before the first socket. */
let fields: Record<'buffer' | 'callback' | 'nextBuffer', symbol> | null | undefined;

function fieldsOf(socket: Socket): Exclude<typeof fields, undefined> {
  const symbols = Object.getOwnPropertySymbols(socket);
  const named = (name: string): symbol | undefined =>
    symbols.find(({ description }) => description === name);
  const [buffer, callback, nextBuffer] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map(named);
  if (buffer === undefined || callback === undefined || nextBuffer === undefined) return null;
  return { buffer, callback, nextBuffer };
}

/**
 * Turns a paused socket that shares reads into a plain one: it buffers its chunks until they are read. The reader must
 * not keep them.
 * Node's HTTP server then reads from the socket's buffer instead of directly from the handle. It gets input in pieces,
 * because it parses all requests of a piece at once.
 */
export function stopSharing(socket: Socket): void {
  stops.get(socket)?.();
}

/** Puts input back into a paused socket, in pieces. */
export function unshiftPieces(socket: Socket, input: Buffer): void {
  for (let at = lastPieceAt(input); at >= 0; at -= PIECE_BYTES) {
    socket.unshift(input.subarray(at, at + PIECE_BYTES));
  }
}

/** Adds input to a stream, in pieces. Returns false if the stream wants no more for now. */
export function pushPieces(stream: Readable, input: Buffer): boolean {
  let wantsMore = true;
  for (let at = 0; at < input.length; at += PIECE_BYTES) {
    wantsMore = stream.push(input.subarray(at, at + PIECE_BYTES));
  }
  return wantsMore;
}

/** The same for input in shared memory. Frees each copy that the stream's reader has taken at once. */
function pushCopies(stream: Readable, input: Buffer): boolean {
  let wantsMore = true;
  for (let at = 0; at < input.length; at += PIECE_BYTES) {
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, input.length - at));
    input.copy(piece, 0, at);
    wantsMore = stream.push(piece);
    if (stream.readableLength === 0) freeMemory(piece);
  }
  return wantsMore;
}

function lastPieceAt({ length }: Buffer): number {
  return Math.floor((length - 1) / PIECE_BYTES) * PIECE_BYTES;
}
