import type { BodyGatherer } from '../../src/main/limits/body-share.ts';

/** A connection that gathers bodies, as the memory for bodies sees it. */
export class BodySender implements BodyGatherer {
  readonly name: string;
  readonly client: { readonly remoteIp: string; isGuest: boolean };
  isReading = true;
  isAborted = false;
  /** Whether the broker causes the delay. */
  isWaitingForBroker = false;
  /** Called when it may continue. */
  onResumed: () => void = () => undefined;

  constructor(name: string, { remoteIp = '127.0.0.1', isGuest = false } = {}) {
    this.name = name;
    this.client = { remoteIp, isGuest };
  }

  pause(): void {
    this.isReading = false;
  }

  resume(): void {
    this.isReading = true;
    this.onResumed();
  }

  abort(): boolean {
    if (this.isWaitingForBroker) return false;
    this.isAborted = true;
    return true;
  }

  toString(): string {
    return this.name;
  }
}
