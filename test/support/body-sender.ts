import type { BodyGatherer } from '../../src/main/limits/body-share.ts';

/** A connection that gathers bodies, as far as memory for them is concerned. */
export class BodySender implements BodyGatherer {
  readonly name: string;
  readonly client: { readonly remoteIp: string; isGuest: boolean };
  isReading = true;
  isGivenUp = false;
  /** Whether it is the broker that keeps it from going on. */
  isWaitingForBroker = false;
  /** What it does when it may go on. */
  onGoOn: () => void = () => undefined;

  constructor(name: string, { remoteIp = '127.0.0.1', isGuest = false } = {}) {
    this.name = name;
    this.client = { remoteIp, isGuest };
  }

  holdBack(): void {
    this.isReading = false;
  }

  goOn(): void {
    this.isReading = true;
    this.onGoOn();
  }

  giveUp(): boolean {
    if (this.isWaitingForBroker) return false;
    this.isGivenUp = true;
    return true;
  }

  toString(): string {
    return this.name;
  }
}
