/**
 * Lets accepted sockets read into one buffer that all of them share, instead of into 64 KiB of fresh memory for each
 * read, which costs more than taking the commands that are in it.
 *
 * Node has this as `onread`, but in public only for sockets that connect. A socket of our own is therefore put on
 * the accepted one's handle, by the option with which Node's own server makes the accepted one. Where Node is made
 * differently inside, sockets stay as they are accepted: slower, and otherwise the same.
 *
 * Bound: a read is at most READ_BYTES. Larger ones split fewer commands; more than 256 KiB makes no difference. A
 * socket's first reads are smaller, so that many clients that begin to flood at once are not read from at length.
 *
 * Thread: main.
 */

import { Socket, type SocketConstructorOpts } from 'node:net';

const READ_BYTES = 256 * 1024;
const FIRST_READ_BYTES = 64 * 1024;
/** So many reads that leave no room show a client that sends a lot. */
const FULL_READS = 2;

/** What is not public of a socket: the handle of the system's one, which can be told to read into given memory. */
type SocketInside = { _handle?: { useUserBuffer?: unknown } | null };

const memory = Buffer.allocUnsafeSlow(READ_BYTES);
const firstMemory = memory.subarray(0, FIRST_READ_BYTES);

/**
 * The socket to use from now on in place of one that was just accepted. It tells of `data` as every socket does; a
 * chunk is overwritten by the next read of any socket, so it is to be used up or copied at once. For the server that
 * accepted the other one, that one is gone.
 */
export function shareReads(accepted: Socket): Socket {
  // The types tell only what is public.
  const inside = accepted as unknown as SocketInside;
  const handle = inside._handle;
  if (typeof handle?.useUserBuffer !== 'function') return accepted;
  let fullReads = -1;
  const onread = {
    // Asked at first, and after each read for what to read into from now on; undefined for what it was.
    buffer: (): Buffer | undefined => {
      if (fullReads === -1) {
        fullReads = 0;
        return firstMemory;
      }
      if (fullReads !== FULL_READS) return undefined;
      fullReads++;
      return memory;
    },
    callback: (bytes: number): true => {
      if (bytes === FIRST_READ_BYTES && fullReads < FULL_READS) fullReads++;
      socket.emit('data', memory.subarray(0, bytes));
      return true;
    },
  };
  // What is left of the accepted socket must not close the handle when it goes.
  inside._handle = null;
  accepted.destroy();
  const options = { handle, allowHalfOpen: accepted.allowHalfOpen, onread };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  return socket;
}
