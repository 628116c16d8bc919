/**
 * A source file, analysed as far as the tidy rules need: which characters are code, comment or string, what it imports,
 * and what it exports. It is a scanner, not a parser; it knows enough of the language for files that the formatter and
 * the compiler accept.
 */

import path from 'node:path';

export interface Piece {
  /** Line of its first character, counted from 1. */
  readonly line: number;
  readonly text: string;
}

export interface Import extends Piece {
  /** The imported file, from the project's root; undefined for packages and Node's own modules. */
  readonly file: string | undefined;
}

export interface Export extends Piece {
  readonly isDocumented: boolean;
}

const EXPORTED =
  /^export (?:default )?(?:declare |abstract |async )*(?:class|function\*?|const|let|interface|type|enum|namespace) +([\w$]+)/;
const ONE_LINE_CONST = /^export const .*;$/;
/** Words after which a slash begins a regular expression. */
const BEFORE_EXPRESSION =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)$/;

export class Source {
  readonly file: string;
  readonly lines: readonly string[];
  /** The file with blanks in place of comments and of the contents of strings and regular expressions. */
  readonly code: string;
  readonly codeLines: readonly string[];
  readonly comments: readonly Piece[];
  readonly strings: readonly Piece[];
  readonly imports: readonly Import[];

  constructor(file: string, text: string) {
    const scan = new Scan(text);
    this.file = file;
    this.lines = text.split('\n');
    this.code = scan.code;
    this.codeLines = scan.code.split('\n');
    this.comments = scan.comments;
    this.strings = scan.strings.filter(({ isImport }) => !isImport);
    this.imports = scan.strings
      .filter(({ isImport }) => isImport)
      .map(({ line, text: specifier }) => ({
        line,
        text: specifier,
        file: this.#resolve(specifier),
      }));
  }

  /** Exported declarations, with the names as text. */
  exports(): Export[] {
    const documented = new Set<string>();
    const found: Export[] = [];
    this.codeLines.forEach((line, index) => {
      const name = EXPORTED.exec(line)?.[1];
      if (name === undefined) return;
      // a later overload shares the comment of the first
      const isDocumented =
        documented.has(name) || this.#hasComment(index) || this.#isMeantByHeader(name);
      if (isDocumented) documented.add(name);
      found.push({ line: index + 1, text: name, isDocumented });
    });
    return found;
  }

  /** A comment documents the declaration below it, and the constants that follow that one without an empty line. */
  #hasComment(index: number): boolean {
    const isConstant = ONE_LINE_CONST.test(this.lines[index]);
    let above = index - 1;
    while (above >= 0 && this.lines[above].startsWith('//')) above--;
    while (isConstant && above >= 0 && ONE_LINE_CONST.test(this.lines[above])) above--;
    if (above < 0 || !this.lines[above].endsWith('*/')) return false;
    while (above >= 0 && !this.lines[above].trimStart().startsWith('/*')) above--;
    return above >= 0 && this.lines[above].startsWith('/**');
  }

  /** The comment at the beginning of a file documents the export that the file is named after. */
  #isMeantByHeader(name: string): boolean {
    const base = path.posix.basename(this.file, '.ts').replaceAll('-', '');
    return this.lines[0].startsWith('/**') && name.toLowerCase().endsWith(base);
  }

  #resolve(specifier: string): string | undefined {
    if (!specifier.startsWith('.')) return undefined;
    return path.posix.join(path.posix.dirname(this.file), specifier);
  }
}

/** Visits each character of a file. */
class Scan {
  readonly comments: Piece[] = [];
  readonly strings: (Piece & { readonly isImport: boolean })[] = [];
  code = '';
  readonly #text: string;
  #at = 0;
  #line = 1;
  /** For each open template, how many braces are open in its current `${}`. */
  readonly #braces: number[] = [];

  constructor(text: string) {
    this.#text = text;
    while (this.#at < text.length) this.#step();
  }

  #step(): void {
    const next = this.#text[this.#at];
    const pair = this.#text.slice(this.#at, this.#at + 2);
    if (pair === '//' || (pair === '#!' && this.#at === 0)) this.#comment(this.#end('\n', 0));
    else if (pair === '/*') this.#comment(this.#end('*/', 2));
    else if (next === "'" || next === '"') this.#string(next);
    else if (next === '`') this.#template();
    else if (next === '/' && this.#isRegex()) this.#regex();
    else this.#codeCharacter(next);
  }

  #codeCharacter(character: string): void {
    this.#keep(1);
    const last = this.#braces.length - 1;
    if (last < 0) return;
    if (character === '{') this.#braces[last]++;
    if (character === '}' && --this.#braces[last] === 0) {
      this.#braces.pop();
      this.#templateText();
    }
  }

  #comment(end: number): void {
    this.comments.push({ line: this.#line, text: this.#text.slice(this.#at, end) });
    this.#blank(end - this.#at);
  }

  #string(quote: string): void {
    const isImport = /(?:^|[^\w$.])(?:from|import)\s*\(?\s*$/.test(this.code.slice(-200));
    const line = this.#line;
    this.#keep(1);
    const start = this.#at;
    let end = start;
    while (end < this.#text.length && this.#text[end] !== quote)
      end += this.#text[end] === '\\' ? 2 : 1;
    this.strings.push({ line, text: this.#text.slice(start, end), isImport });
    this.#blank(end - start);
    this.#keep(1);
  }

  #template(): void {
    this.#keep(1);
    this.#templateText();
  }

  /** The text of a template up to its end or to the next `${`. */
  #templateText(): void {
    const start = this.#at;
    const line = this.#line;
    let end = start;
    while (
      end < this.#text.length &&
      this.#text[end] !== '`' &&
      !this.#text.startsWith('${', end)
    ) {
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.strings.push({ line, text: this.#text.slice(start, end), isImport: false });
    this.#blank(end - start);
    if (this.#text[end] === '`') {
      this.#keep(1);
      return;
    }
    this.#keep(2);
    this.#braces.push(1);
  }

  #isRegex(): boolean {
    const before = this.code.trimEnd();
    return (
      before === '' || !/[\w$)\]}'"`]$/.test(before) || BEFORE_EXPRESSION.test(before.slice(-20))
    );
  }

  #regex(): void {
    let isClass = false;
    let end = this.#at + 1;
    for (; end < this.#text.length; end++) {
      const character = this.#text[end];
      if (character === '\\') end++;
      else if (character === '[') isClass = true;
      else if (character === ']') isClass = false;
      else if (character === '/' && !isClass) break;
    }
    this.#keep(1);
    this.#blank(end - this.#at);
    this.#keep(1);
  }

  #end(mark: string, markLength: number): number {
    const end = this.#text.indexOf(mark, this.#at + markLength);
    return end === -1 ? this.#text.length : end + markLength;
  }

  #keep(length: number): void {
    const text = this.#text.slice(this.#at, this.#at + length);
    this.code += text;
    this.#advance(text);
  }

  #blank(length: number): void {
    const text = this.#text.slice(this.#at, this.#at + length);
    this.code += text.replaceAll(/[^\n]/g, ' ');
    this.#advance(text);
  }

  #advance(text: string): void {
    this.#at += text.length;
    for (const character of text) if (character === '\n') this.#line++;
  }
}
