/**
 * How a consumer shares `maxInFlight` among its brokers.
 *
 * With enough for all, each broker gets an equal share, and the first ones what is left over. With fewer messages than
 * brokers, some brokers have one each, and those that have been idle, or have had it for long, pass it on to those that
 * have had none for longest.
 * After a failure all get none; then one gets one, to try.
 *
 * What is granted never exceeds the limit: a broker whose share grows gets the rest when others, whose share has
 * shrunk, have had their messages answered.
 *
 * Thread: any. Source: go-nsq `Consumer.redistributeRDY`, which gives nobody what is left over, and
 * leaves to chance who is next.
 */

/** A broker, as the distribution sees it. */
export type RdyMember = {
  /** The ready count that it has been told. */
  readonly rdy: number;
  /** The most that it accepts. */
  readonly rdyMax: number;
  readonly inFlightCount: number;
  /** When it last sent a message. Units: ms, monotonic. */
  readonly lastMessageMs: number;
  /** When its ready count was last set to more than none. */
  readonly lastRdyMs: number;
  setRdy(count: number): void;
};

/** `flowing`: all that is allowed; `probing`: one message, to try; `stopped`: none. */
export type Flow = 'flowing' | 'probing' | 'stopped';

/** A broker without messages passes its turn on after this time. Units: ms. */
const IDLE_MS = 10_000;
/** So does every broker after this time. Units: ms. */
const TURN_MS = 30_000;

/** The ready counts of one consumer. */
export class RdyDistribution {
  readonly #random: () => number;
  readonly #members: RdyMember[] = [];
  #maxInFlight: number;
  #flow: Flow = 'stopped';
  /** Whether somebody has less than its share until others have answered. */
  #isOwed = false;

  constructor(maxInFlight: number, random: () => number) {
    this.#maxInFlight = maxInFlight;
    this.#random = random;
  }

  get flow(): Flow {
    return this.#flow;
  }

  /** Whether a grant has to be passed on from time to time. */
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

  /** Tells each broker what it is due. To be called as well when messages were answered while somebody is owed. */
  distribute(): void {
    this.#isOwed = false;
    const limit = this.#limit;
    if (this.#members.length <= limit) this.#share(limit);
    else this.#keepOnes(limit);
  }

  /** Passes grants on. To be called every few seconds while `isRotating`. */
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

  /** Everybody gets an equal share. */
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

  /** As many as there may be have one each. */
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

  /** Which one is next: one of those that have had no turn for longest. */
  #nextOf(waiting: readonly RdyMember[]): number {
    const oldestMs = Math.min(...waiting.map(({ lastRdyMs }) => lastRdyMs));
    const first = waiting.flatMap(({ lastRdyMs }, index) =>
      lastRdyMs === oldestMs ? [index] : [],
    );
    return first[Math.floor(this.#random() * first.length)];
  }

  /** What is in flight at a broker. A trial does not wait for what is there from before. */
  #held({ inFlightCount }: RdyMember): number {
    return this.#flow === 'probing' ? 0 : inFlightCount;
  }
}
