/**
 * Divides the memory for messages among the queues of a pump thread, so that large queues leave room for small ones.
 *
 * Units: bytes of memory in use, less what is on its way to the disk and therefore about to be free.
 *
 *     0 ─────────────────────────────── common ──────────── budget
 *       every queue puts into memory      │ a queue puts into memory while it holds
 *       without a limit                   │ less than 1/16 of what is left
 *
 * Above `common` the largest queues evict messages: they write their newest messages to disk, ephemeral queues drop
 * them. So the room between `common` and the budget is left to queues that hold little. If n queues want more than
 * there is, they get equal parts: each stops at 1/16 of what the others leave.
 *
 * If a queue is refused although another holds at least four times as much, the largest queues accept nothing into
 * memory and evict until there is room below `common` again. So a growing queue catches up with earlier ones.
 *
 * Finding the largest queue does not scan all of them: each queue is in the level of its size, one level for each
 * power of two. It moves up when it grows, and down only during a search for the largest queue.
 *
 * Bound: a turn evicts EVICT_BYTES_PER_TURN, and nothing while LEAVING_BYTES_MAX are on their way to the disk.
 * Thread: pump.
 * Source: own; the rule for small queues is that of dynamic thresholds in shared-memory switches (Choudhury, Hahne).
 */

/** The largest reserve for small queues, which is otherwise a quarter of the budget. */
const RESERVE_BYTES_MAX = 32 * 1024 * 1024;
const RESERVE_SHARE = 1 / 4;
/** How far memory use may exceed `common` before queues evict, as a share of the reserve. */
const SLACK_SHARE = 1 / 4;
/** A queue is small while it holds less than this share of the memory that is left. */
const SMALL_SHARE = 1 / 16;
const EVICT_BYTES_PER_TURN = 1024 * 1024;
const LEAVING_BYTES_MAX = 4 * 1024 * 1024;
/** Queues below this level (4 KiB) are ignored. */
const LEVEL_MIN = 12;
const LEVELS = 32;
/** How many levels (powers of two) a refused queue must be below a queue that evicts for it. */
const PRESSURE_LEVELS = 2;
/** Bytes of one answer to a read, while memory is short and otherwise. */
const READ_BYTES_MIN = 16 * 1024;
const READ_BYTES_MAX = 256 * 1024;

/** A queue that holds messages in memory and can evict them. */
export interface HoldingQueue {
  /** Bytes that it can evict. */
  readonly memoryBytes: number;
  /** Its level, and the bytes from which it must call `raise`. Only `MemoryShares` sets them. */
  level: number;
  raiseBytes: number;
  /**
   * Evicts its newest messages, up to this many bytes or one larger message. Returns how many bytes; 0 if it cannot
   * evict now.
   */
  evict(bytesMax: number): number;
}

/** The initial level of every queue, and the bytes at which it calls `raise`. */
export const NO_LEVEL = -1;
export const RAISE_BYTES_MIN = 2 ** LEVEL_MIN;

export class MemoryShares {
  /** Bytes on their way to the disk. */
  leavingBytes = 0;

  readonly #budgetBytes: number;
  readonly #commonBytes: number;
  readonly #slackBytes: number;
  readonly #usedBytes: () => number;
  readonly #levels: Set<HoldingQueue>[] = Array.from({ length: LEVELS }, () => new Set());
  /** No queue is in a higher level. */
  #topLevel = NO_LEVEL;
  /** Whether large queues evict for one that was refused. */
  #isPressed = false;

  /** `usedBytes` returns the memory in use. */
  constructor(budgetBytes: number, usedBytes: () => number) {
    const reserveBytes = Math.min(budgetBytes * RESERVE_SHARE, RESERVE_BYTES_MAX);
    this.#budgetBytes = budgetBytes;
    this.#commonBytes = budgetBytes - reserveBytes;
    this.#slackBytes = reserveBytes * SLACK_SHARE;
    this.#usedBytes = usedBytes;
  }

  /** Whether a queue that holds this much may hold more. */
  hasRoom(heldBytes: number): boolean {
    const used = this.#settledBytes;
    if (used <= this.#commonBytes) {
      return !this.#isPressed || levelOf(heldBytes) + PRESSURE_LEVELS <= this.#topLevel;
    }
    return heldBytes < (this.#budgetBytes - used) * SMALL_SHARE;
  }

  /** Whether there is less room than the reserve for small queues. */
  get isShort(): boolean {
    return this.#settledBytes > this.#commonBytes;
  }

  /** Size of one answer to a read. */
  get readBytes(): number {
    if (!this.isShort) return READ_BYTES_MAX;
    const share = Math.floor((this.#budgetBytes - this.#settledBytes) * SMALL_SHARE);
    return Math.min(READ_BYTES_MAX, Math.max(READ_BYTES_MIN, share));
  }

  /** A queue that holds this much was refused: far larger queues evict for it. */
  onRefused(heldBytes: number): void {
    if (levelOf(heldBytes) + PRESSURE_LEVELS <= this.#topLevel) this.#isPressed = true;
  }

  /** A queue has grown beyond its level. */
  raise(queue: HoldingQueue): void {
    this.#place(queue, levelOf(queue.memoryBytes));
  }

  /** A queue is empty. */
  forget(queue: HoldingQueue): void {
    this.#place(queue, NO_LEVEL);
  }

  /** Lets the largest queues evict while memory is short. Returns how many bytes they evicted. */
  evict(): number {
    const target = this.#targetBytes();
    const excess = this.#settledBytes - target;
    if (excess <= 0 || this.leavingBytes > LEAVING_BYTES_MAX) return 0;
    const wanted = Math.min(excess, EVICT_BYTES_PER_TURN);
    const stuck: HoldingQueue[] = [];
    let evicted = 0;
    while (evicted < wanted) {
      const queue = this.#takeLargest();
      if (queue === undefined) break;
      stuck.push(queue);
      if (queue.memoryBytes < (this.#budgetBytes - this.#settledBytes) * SMALL_SHARE) break;
      const given = queue.evict(wanted - evicted);
      evicted += given;
      // This queue may still be the largest.
      if (given > 0) this.#place(queue, levelOf(queue.memoryBytes));
    }
    for (const queue of stuck) this.#place(queue, levelOf(queue.memoryBytes));
    if (evicted === 0) this.#isPressed = false;
    return evicted;
  }

  get #settledBytes(): number {
    return this.#usedBytes() - this.leavingBytes;
  }

  /** The memory use down to which queues evict. */
  #targetBytes(): number {
    const used = this.#settledBytes;
    const lower = this.#commonBytes - this.#slackBytes;
    if (this.#isPressed && used <= lower) this.#isPressed = false;
    return this.#isPressed ? lower : this.#commonBytes + this.#slackBytes;
  }

  /** Removes the queue that can evict most from its level, and returns it; undefined if none is known. */
  #takeLargest(): HoldingQueue | undefined {
    for (let level = this.#topLevel; level >= LEVEL_MIN; level--) {
      this.#topLevel = level;
      for (const queue of this.#levels[level]) {
        const actual = levelOf(queue.memoryBytes);
        // Queues that have shrunk sink.
        this.#place(queue, actual < level ? actual : NO_LEVEL);
        if (actual >= level) return queue;
      }
    }
    this.#topLevel = NO_LEVEL;
    return undefined;
  }

  #place(queue: HoldingQueue, level: number): void {
    if (queue.level !== NO_LEVEL) this.#levels[queue.level].delete(queue);
    queue.level = level < LEVEL_MIN ? NO_LEVEL : level;
    queue.raiseBytes = queue.level === NO_LEVEL ? RAISE_BYTES_MIN : 2 ** (level + 1);
    if (queue.level === NO_LEVEL) return;
    this.#levels[level].add(queue);
    this.#topLevel = Math.max(this.#topLevel, level);
  }
}

/** The level of this many bytes: their power of two. */
function levelOf(bytes: number): number {
  return 31 - Math.clz32(Math.min(bytes, 2 ** 31));
}
