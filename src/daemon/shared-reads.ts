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
/** After this many reads that leave no room, the client counts as one that sends a lot. */
const FULL_READS = 2;

/**
 * What is not public of a socket: the handle of the system's one, which can be told to read into given memory, and
 * which Node's HTTP parser reads from by itself unless another one does.
 */
type SocketInside = { _handle?: { useUserBuffer?: unknown; _consumed?: boolean } | null };

const memory = Buffer.allocUnsafeSlow(READ_BYTES);
const firstMemory = memory.subarray(0, FIRST_READ_BYTES);

/** For each socket that shares reads, how it stops. */
const stops = new WeakMap<Socket, () => void>();

/**
 * The socket to use from now on in place of one that was just accepted. It tells of `data` as every socket does; a
 * chunk is overwritten by the next read of any socket, so it is to be used up or copied at once. For the server that
 * accepted the other one, that one is gone. `isSmall`: all reads are as small as the first ones.
 */
export function shareReads(accepted: Socket, isSmall = false): Socket {
  // The types tell only what is public.
  const inside = accepted as unknown as SocketInside;
  const handle = inside._handle;
  if (typeof handle?.useUserBuffer !== 'function') return accepted;
  let fullReads = -1;
  let isShared = true;
  const onread = {
    // Asked at first, and after each read for what to read into from now on; undefined for what it was.
    buffer: (): Buffer | undefined => {
      if (fullReads === -1) {
        fullReads = 0;
        return firstMemory;
      }
      if (fullReads !== FULL_READS || isSmall) return undefined;
      fullReads++;
      return memory;
    },
    callback: (bytes: number): boolean => {
      const chunk = memory.subarray(0, bytes);
      // As a socket does with what it has read; false: it has enough for now.
      if (!isShared) return socket.push(Buffer.from(chunk));
      if (bytes === FIRST_READ_BYTES && fullReads < FULL_READS) fullReads++;
      socket.emit('data', chunk);
      return true;
    },
  };
  // What is left of the accepted socket must not close the handle when it goes.
  inside._handle = null;
  accepted.destroy();
  const options = { handle, allowHalfOpen: accepted.allowHalfOpen, onread };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  stops.set(socket, () => {
    isShared = false;
    handle._consumed = true;
  });
  return socket;
}

/**
 * Makes a socket that shares reads, and is paused, one like others: its chunks are its own, and wait while nobody
 * takes them. Node's HTTP server, if it gets the socket, then takes them from it, and not from the system.
 */
export function stopSharing(socket: Socket): void {
  stops.get(socket)?.();
}
