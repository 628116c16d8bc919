/**
 * What is known of each message in each channel while operators, consumers and kills may remove it.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';

/** Its publisher waits; it is there; it is not there; or somebody may have removed it. */
type Fate = 'published' | 'held' | 'gone' | 'unknown';

export class MessageFates {
  readonly #channels: ReadonlyMap<string, Map<string, Fate>>;
  /** What a kill has left twice, by channel and body: one may go while the other stays. */
  readonly #doubled = new Set<string>();

  constructor(channels: readonly string[]) {
    this.#channels = new Map(channels.map((name) => [name, new Map()]));
  }

  /** All messages that were published. */
  of(channel: string): ReadonlyMap<string, Fate> {
    const fates = this.#channels.get(channel);
    assert.ok(fates !== undefined);
    return fates;
  }

  get(channel: string, body: string): Fate {
    const fate = this.of(channel).get(body);
    assert.ok(fate !== undefined, `message ${body} was published`);
    return fate;
  }

  set(channel: string, bodies: readonly string[], fate: Fate): void {
    for (const body of bodies) {
      const isDoubled = fate === 'gone' && this.isDoubled(channel, body);
      this.#channels.get(channel)?.set(body, isDoubled ? 'unknown' : fate);
    }
  }

  gone(channel: string): ReadonlySet<string> {
    const gone = [...this.of(channel)].filter(([, fate]) => fate === 'gone');
    return new Set(gone.map(([body]) => body));
  }

  /** What has this in its body may be removed. */
  mayRemove(channel: string, text: string): void {
    const hit = [...this.of(channel)].filter(
      ([body, fate]) => fate !== 'gone' && body.includes(text),
    );
    const bodies = hit.map(([body]) => body);
    this.set(channel, bodies, 'unknown');
  }

  /** What was finished may be there again, and what was not answered may be there. */
  afterKill(): void {
    for (const [channel, fates] of this.#channels) {
      for (const [body, fate] of fates) {
        if (fate === 'gone' || fate === 'published') this.set(channel, [body], 'unknown');
      }
    }
  }

  /** These places have all messages of a channel: what is in two of them was left so by a kill. */
  noteDoubled(channel: string, ...places: readonly (readonly string[])[]): void {
    const seen = new Set<string>();
    for (const body of places.flat()) {
      if (seen.has(body)) this.#doubled.add(`${channel} ${body}`);
      seen.add(body);
    }
  }

  isDoubled(channel: string, body: string): boolean {
    return this.#doubled.has(`${channel} ${body}`);
  }
}
