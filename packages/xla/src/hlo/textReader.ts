/** @file Reads the punctuation of HLO text: words, numbers, strings, lists and records, each with its line and column for errors. */
import { invalidArgument, type XlaError } from './errors.ts';
import { arrayShape, type ElementType, elementBytes, type Shape, tupleShape } from './shape.ts';

/** A value as written, before an attribute's codec gives it meaning. */
export type TextNode =
  | { readonly kind: 'word' | 'string' | 'number' | 'reference'; readonly text: string; readonly at: number }
  | { readonly kind: 'list'; readonly items: readonly TextNode[]; readonly at: number }
  | { readonly kind: 'record'; readonly fields: ReadonlyMap<string, TextNode>; readonly at: number }
  | { readonly kind: 'shape'; readonly shape: Shape; readonly at: number };

const wordPattern = /[A-Za-z_][\w.-]*/y;
const numberPattern = /-?(?:inf|nan|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])/y;
const stringPattern = /"(?:[^"\\\n]|\\.)*"/y;
const blankPattern = /(?:\s|\/\/[^\n]*)*/y;

/** A cursor over HLO text. */
export class TextReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#match(blankPattern);
  }

  /** Place of the next token. */
  get at(): number {
    return this.#at;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  fail(message: string, at = this.#at): XlaError {
    const before = this.#text.slice(0, at).split('\n');
    return invalidArgument(`HLO text, line ${before.length}, column ${(before.at(-1) ?? '').length + 1}: ${message}`);
  }

  /** Takes `punctuation` if it comes next. */
  take(punctuation: string): boolean {
    if (!this.#text.startsWith(punctuation, this.#at)) return false;
    this.#at += punctuation.length;
    this.#match(blankPattern);
    return true;
  }

  expect(punctuation: string): void {
    if (!this.take(punctuation)) throw this.fail(`'${punctuation}' is expected, ${this.#found()} is found.`);
  }

  word(what: string): string {
    const word = this.#token(wordPattern);
    if (word === undefined) throw this.fail(`${what} is expected, ${this.#found()} is found.`);
    return word;
  }

  number(what: string): string {
    const number = this.#token(numberPattern);
    if (number === undefined) throw this.fail(`${what} is expected, ${this.#found()} is found.`);
    return number;
  }

  string(what: string): string {
    const string = this.#token(stringPattern);
    if (string === undefined) throw this.fail(`${what} in double quotes is expected, ${this.#found()} is found.`);
    return unquote(string);
  }

  /** `(item, item, …)` between the given brackets. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    const items: T[] = [];
    if (this.take(close)) return items;
    do items.push(item());
    while (this.take(','));
    this.expect(close);
    return items;
  }

  shape(): Shape {
    if (this.#text[this.#at] === '(') return tupleShape(this.list('(', ')', () => this.shape()));
    const at = this.#at;
    const dtype = this.word('a shape');
    if (!Object.hasOwn(elementBytes, dtype)) {
      throw this.fail(`'${dtype}' is not an element type; they are ${Object.keys(elementBytes).join(', ')}.`, at);
    }
    const dims = this.list('[', ']', () => Number(this.number('a dimension')));
    return arrayShape(dtype as ElementType, dims);
  }

  value(): TextNode {
    const at = this.#at;
    if (this.#text[at] === '[') return { kind: 'list', items: this.list('[', ']', () => this.value()), at };
    if (this.#text[at] === '{') return { kind: 'record', fields: this.fields(), at };
    if (this.#text[at] === '(') return { kind: 'shape', shape: this.shape(), at };
    if (this.take('@')) {
      const quoted = this.#text[this.#at] === '"';
      const name = quoted ? this.string('a computation') : this.word('a computation');
      return { kind: 'reference', text: name, at };
    }
    const string = this.#token(stringPattern);
    if (string !== undefined) return { kind: 'string', text: unquote(string), at };
    const number = this.#token(numberPattern);
    if (number !== undefined) return { kind: 'number', text: number, at };
    const word = this.word('a value');
    if (this.#text[this.#at] !== '[') return { kind: 'word', text: word, at };
    this.#at = at;
    return { kind: 'shape', shape: this.shape(), at };
  }

  /** `{key=value, …}` */
  fields(): Map<string, TextNode> {
    return new Map(
      this.list('{', '}', (): [string, TextNode] => {
        const key = this.word('a field');
        this.expect('=');
        return [key, this.value()];
      }),
    );
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #token(pattern: RegExp): string | undefined {
    const token = this.#match(pattern);
    if (token !== undefined) this.#match(blankPattern);
    return token;
  }

  #found(): string {
    return this.ended ? 'the end' : `'${this.#text.slice(this.#at).match(/^(?:[\w.-]+|.)/)?.[0] ?? ''}'`;
  }
}

function unquote(text: string): string {
  return JSON.parse(text) as string;
}
