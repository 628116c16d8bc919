/**
 * Frames as text, for comparisons in tests: a frame's data, after `error: ` or `message: ` unless it is a response; for
 * a message, its body.
 *
 * Thread: any.
 */

import { type Frame, toMessage } from './received-frames.ts';

/** The part of a client that is needed for the texts of its frames. */
interface TextSource {
  /** The next frame as text; null when the connection has ended. */
  nextText(): Promise<string | null>;
}

/** One frame as text. */
export function frameText({ type, data }: Frame): string {
  if (type === 'message') return `message: ${toMessage(data).body.toString('latin1')}`;
  const text = data.toString('latin1');
  return type === 'error' ? `error: ${text}` : text;
}

/** This many frames as text. */
export async function takeTexts(source: TextSource, count: number): Promise<(string | null)[]> {
  const texts: (string | null)[] = [];
  for (let i = 0; i < count; i++) texts.push(await source.nextText());
  return texts;
}

/** All frames as text until the connection ends. */
export async function takeTextsToEnd(source: TextSource): Promise<string[]> {
  const texts: string[] = [];
  for (let text = await source.nextText(); text !== null; text = await source.nextText()) {
    texts.push(text);
  }
  return texts;
}
