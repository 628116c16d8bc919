/**
 * Distributes a consumer's `maxInFlight` over its brokers.
 *
 * If there is enough for all, each broker gets an equal share, and the first ones share the remainder. With fewer
 * messages than brokers, some brokers have a ready count of one; those that are idle, or have had theirs for long,
 * pass it to those that have waited longest. After a failure all get zero; then one broker gets one, as a probe.
 *
 * The total never exceeds the limit: a broker whose share grows gets its increase only when messages of brokers whose
 * share shrinks have been answered.
 *
 * Thread: any. Source: go-nsq `Consumer.redistributeRDY`, which does not distribute the remainder, and picks the next
 * broker at random.
 */

/** A broker, as the distribution sees it. */
export type RdyMember = {
  /** The current ready count. */
  readonly rdy: number;
  /** The largest ready count that the broker accepts. */
  readonly rdyMax: number;
  readonly inFlightCount: number;
  /** When the broker last sent a message. Units: ms, monotonic. */
  readonly lastMessageMs: number;
  /** When its ready count was last set above zero. */
  readonly lastRdyMs: number;
  setRdy(count: number): void;
};

/** `flowing`: up to the limit; `probing`: one message; `stopped`: none. */
export type Flow = 'flowing' | 'probing' | 'stopped';

/** A broker without messages passes its ready count on after this time. Units: ms. */
const IDLE_MS = 10_000;
/** Every other broker does so after this time. Units: ms. */
const TURN_MS = 30_000;

/** The ready counts of one consumer. */
export class RdyDistribution {
  readonly #random: () => number;
  readonly #members: RdyMember[] = [];
  #maxInFlight: number;
  #flow: Flow = 'stopped';
  /** Whether a broker waits for its increase. */
  #isOwed = false;

  constructor(maxInFlight: number, random: () => number) {
    this.#maxInFlight = maxInFlight;
    this.#random = random;
  }

  get flow(): Flow {
    return this.#flow;
  }

  /** Whether there are fewer messages than brokers, so that ready counts rotate. */
  get isRotating(): boolean {
    return this.#limit > 0 && this.#members.length > this.#limit;
  }

  get isOwed(): boolean {
    return this.#isOwed;
  }

  add(member: RdyMember): void {
    this.#members.push(member);
    this.distribute();
  }

  remove(member: RdyMember): void {
    const index = this.#members.indexOf(member);
    if (index === -1) return;
    this.#members.splice(index, 1);
    this.distribute();
  }

  setFlow(flow: Flow): void {
    if (flow === this.#flow) return;
    this.#flow = flow;
    this.distribute();
  }

  setMaxInFlight(count: number): void {
    this.#maxInFlight = count;
    this.distribute();
  }

  /**
   * Sets the ready count of each broker. Call it also when messages were answered while a broker waits for its
   * increase.
   */
  distribute(): void {
    this.#isOwed = false;
    const limit = this.#limit;
    if (this.#members.length <= limit) this.#share(limit);
    else this.#keepOnes(limit);
  }

  /** Rotates ready counts. Call it every few seconds while `isRotating`. */
  rotate(nowMs: number): void {
    if (!this.isRotating) return;
    for (const member of this.#members) {
      if (member.rdy === 0) continue;
      const isIdle = nowMs - member.lastMessageMs > IDLE_MS && nowMs - member.lastRdyMs > IDLE_MS;
      if (isIdle || nowMs - member.lastRdyMs > TURN_MS) member.setRdy(0);
    }
    this.#keepOnes(this.#limit);
  }

  get #limit(): number {
    if (this.#flow === 'stopped') return 0;
    return this.#flow === 'probing' ? Math.min(1, this.#maxInFlight) : this.#maxInFlight;
  }

  /** Gives each broker an equal share. */
  #share(limit: number): void {
    const base = Math.floor(limit / this.#members.length);
    const rest = limit % this.#members.length;
    const dues = this.#members.map(({ rdyMax }, index) =>
      Math.min(rdyMax, index < rest ? base + 1 : base),
    );
    let used = 0;
    for (const [index, member] of this.#members.entries()) {
      if (member.rdy > dues[index]) member.setRdy(dues[index]);
      used += Math.max(member.rdy, this.#held(member));
    }
    for (const [index, member] of this.#members.entries()) {
      const has = Math.max(member.rdy, this.#held(member));
      const possible = Math.min(dues[index], has + limit - used);
      if (possible > member.rdy) {
        member.setRdy(possible);
        used += Math.max(0, possible - has);
      }
      if (member.rdy < dues[index]) this.#isOwed = true;
    }
  }

  /** Gives one to as many brokers as the limit allows. */
  #keepOnes(limit: number): void {
    let free = limit;
    for (const member of this.#members) {
      const kept = free > 0 ? 1 : 0;
      if (member.rdy > kept) member.setRdy(kept);
      free -= Math.max(member.rdy, this.#held(member));
    }
    const waiting = this.#members.filter(({ rdy }) => rdy === 0);
    while (free > 0 && waiting.length > 0) {
      const [member] = waiting.splice(this.#nextOf(waiting), 1);
      member.setRdy(1);
      free -= this.#held(member) > 0 ? 0 : 1;
    }
    if (waiting.length > 0 && this.#members.every(({ rdy }) => rdy === 0)) this.#isOwed = limit > 0;
  }

  /** Picks the broker that has waited longest. */
  #nextOf(waiting: readonly RdyMember[]): number {
    const oldestMs = Math.min(...waiting.map(({ lastRdyMs }) => lastRdyMs));
    const first = waiting.flatMap(({ lastRdyMs }, index) =>
      lastRdyMs === oldestMs ? [index] : [],
    );
    return first[Math.floor(this.#random() * first.length)];
  }

  /** The messages in flight from a broker. A probe does not wait for earlier ones. */
  #held({ inFlightCount }: RdyMember): number {
    return this.#flow === 'probing' ? 0 : inFlightCount;
  }
}
