/**
 * Splits the output of a process into lines. A line longer than LINE_CHARACTERS_MAX is passed on in pieces.
 *
 * Thread: main.
 */

const LINE_CHARACTERS_MAX = 64 * 1024;

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #rest = '';

  /** `onLine` gets each line without its end. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
    if (this.#rest.length > LINE_CHARACTERS_MAX) this.end();
  }

  /** The last line may lack its end. */
  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest);
    this.#rest = '';
  }
}

/** A line with the name of its broker. A JSON object gets a field. */
export function namedLine(name: string, line: string): string {
  return line.startsWith('{"') ? `{"broker":"${name}",${line.slice(1)}\n` : `${name}: ${line}\n`;
}
