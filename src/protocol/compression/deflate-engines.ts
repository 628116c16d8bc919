/**
 * Compressors for raw deflate, shared by all connections. One takes 270 KiB, so their number is limited. A connection
 * keeps its compressor, which remembers earlier data, until another connection needs it.
 *
 * A fresh compressor refers to nothing before it and each batch ends at a whole byte, so a stream may change from one
 * compressor to another between any two batches.
 *
 * Bound: ENGINES_MAX. When all are busy, a job waits together with its bytes.
 *
 * Thread: main; the compression itself runs on Node's thread pool.
 */

import type { DeflateRaw } from 'node:zlib';

/** Many times what Node's threads can do at once; all together take 9 MiB. */
const ENGINES_MAX = 32;

/** The stream whose history a compressor holds. */
export interface EngineOwner {
  /** Set and cleared by `DeflateEngines`. */
  engine: DeflateEngine | null;
}

/** Bytes to be compressed. */
type Job = {
  readonly owner: EngineOwner;
  readonly level: number;
  readonly bytes: Buffer;
  readonly onEncoded: (bytes: Buffer[]) => void;
};

/** A compressor, and the stream that it is in. */
class DeflateEngine {
  readonly level: number;
  owner: EngineOwner | null = null;

  readonly #deflate: DeflateRaw;
  #encoded: Buffer[] = [];

  constructor(level: number) {
    this.level = level;
    const { constants, createDeflateRaw } = process.getBuiltinModule('node:zlib');
    this.#deflate = createDeflateRaw({ level, flush: constants.Z_SYNC_FLUSH });
    this.#deflate.on('data', (bytes: Buffer) => this.#encoded.push(bytes));
  }

  run(bytes: Buffer, onEncoded: (bytes: Buffer[]) => void): void {
    this.#deflate.write(bytes, () => {
      const encoded = this.#encoded;
      this.#encoded = [];
      onEncoded(encoded);
    });
  }

  /** Clears the history. */
  reset(): void {
    this.#deflate.reset();
  }

  close(): void {
    this.#deflate.destroy();
  }
}

export class DeflateEngines {
  readonly #max: number;
  readonly #waiting: Job[] = [];
  /** Idle compressors, the least recently used first. */
  readonly #idle = new Set<DeflateEngine>();
  #count = 0;

  constructor(max = ENGINES_MAX) {
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Compresses the next bytes of the owner's stream, which must not change until the callback. There is no callback
   * if the owner releases its engine in the meantime.
   */
  run(
    owner: EngineOwner,
    level: number,
    bytes: Buffer,
    onEncoded: (bytes: Buffer[]) => void,
  ): void {
    this.#waiting.push({ owner, level, bytes, onEncoded });
    this.#start();
  }

  /** The owner's stream has ended. */
  release(owner: EngineOwner): void {
    const { engine } = owner;
    owner.engine = null;
    if (engine !== null) engine.owner = null;
    const index = this.#waiting.findIndex((job) => job.owner === owner);
    if (index !== -1) this.#waiting.splice(index, 1);
  }

  /** Starts waiting jobs while engines are free. */
  #start(): void {
    for (;;) {
      const [job] = this.#waiting;
      if (job === undefined) return;
      const engine = job.owner.engine ?? this.#engineFor(job);
      if (engine === undefined) return;
      this.#waiting.shift();
      this.#idle.delete(engine);
      engine.run(job.bytes, (encoded) => {
        this.#idle.add(engine);
        if (engine.owner === job.owner) job.onEncoded(encoded);
        this.#start();
      });
    }
  }

  /** A fresh one for a stream that has none; undefined when all are busy. */
  #engineFor({ owner, level }: Job): DeflateEngine | undefined {
    let engine: DeflateEngine | undefined;
    if (this.#count < this.#max) {
      this.#count++;
      engine = new DeflateEngine(level);
    } else {
      [engine] = this.#idle;
      if (engine === undefined) return undefined;
      if (engine.owner !== null) engine.owner.engine = null;
      engine = this.#refreshed(engine, level);
    }
    engine.owner = owner;
    owner.engine = engine;
    return engine;
  }

  #refreshed(engine: DeflateEngine, level: number): DeflateEngine {
    if (engine.level === level) {
      engine.reset();
      return engine;
    }
    this.#idle.delete(engine);
    engine.close();
    return new DeflateEngine(level);
  }
}

/** Shared by all connections. */
export const deflateEngines = new DeflateEngines();
