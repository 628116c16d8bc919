/**
 * Cursors of listings as text. A cursor is valid for one topic or channel until the broker ends: each start numbers
 * message places again.
 *
 * Shape: `<start of the broker>.<topic>.<channel>.<place>.<high>.<low>`, numbers in base 36.
 * Thread: any (pure).
 */

import type { SurveyCursor } from '../../shared/message-survey.ts';

const BASE = 36;
const CURSOR = /^[0-9a-z]{1,10}(\.[0-9a-z]{1,10}){5}$/;

/** What a cursor belongs to. */
type CursorOwner = {
  readonly startTimeMs: number;
  readonly topic: number;
  readonly channel: number;
};

/** As text. */
export function cursorText(
  { startTimeMs, topic, channel }: CursorOwner,
  cursor: SurveyCursor,
): string {
  return [startTimeMs, topic, channel, ...cursor].map((word) => word.toString(BASE)).join('.');
}

/** Undefined for a text that is not a cursor of this owner. */
export function parseCursor(owner: CursorOwner, text: string): SurveyCursor | undefined {
  if (!CURSOR.test(text)) return undefined;
  const [startTimeMs, topic, channel, place, high, low] = text
    .split('.')
    .map((word) => Number.parseInt(word, BASE));
  const isOwn =
    startTimeMs === owner.startTimeMs && topic === owner.topic && channel === owner.channel;
  return isOwn ? [place, high, low] : undefined;
}
