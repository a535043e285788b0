/** @file Unique names of nodes and scopes, exactly as TensorFlow 1.x derives them: `conv`, `conv_1`; case-insensitively unique. */
import { InvalidArgumentError } from '../errors.ts';

const validOpName = /^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$/;
const validScopeName = /^[A-Za-z0-9_.\\/>-]*$/;

export function checkOpName(name: string, opType: string): void {
  if (!validOpName.test(name)) {
    throw new InvalidArgumentError(
      `"${name}" is not a node name. Names start with a letter, digit or dot and continue with letters, digits and _ . - / \\ >.`,
      { opType },
    );
  }
}

export class NameScopes {
  /** The current scope without trailing slash; '' at the root. */
  current = '';
  readonly #used = new Map<string, number>();

  /** A name not used yet, in the current scope; `mark` takes it. */
  unique(name: string, mark = true): string {
    const full = this.current === '' ? name : `${this.current}/${name}`;
    const base = full.toLowerCase();
    let i = this.#used.get(base) ?? 0;
    if (mark) this.#used.set(base, i + 1);
    if (i === 0) return full;
    let key = base;
    while (this.#used.has(key)) key = `${base}_${i++}`;
    if (mark) this.#used.set(key, 1);
    return `${full}_${i - 1}`;
  }

  /** Takes a name as it is (imported nodes). */
  mark(name: string): void {
    const key = name.toLowerCase();
    this.#used.set(key, Math.max(1, this.#used.get(key) ?? 0));
  }

  has(name: string): boolean {
    return this.#used.has(name.toLowerCase());
  }

  /** Runs `body` in scope `name`; a trailing slash re-enters that very scope, '' or null goes to the root. */
  within<R>(name: string | null, body: (scope: string) => R): R {
    const outer = this.current;
    const inner = this.#enter(name);
    this.current = inner;
    try {
      return body(inner === '' ? '' : `${inner}/`);
    } finally {
      this.current = outer;
    }
  }

  #enter(name: string | null): string {
    if (name === null || name === '') return '';
    const valid = this.current === '' ? validOpName : validScopeName;
    if (!valid.test(name)) {
      throw new InvalidArgumentError(
        `"${name}" is not a scope name. Scopes start with a letter, digit or dot and continue with letters, digits and _ . - / \\ >.`,
      );
    }
    return name.endsWith('/') ? name.slice(0, -1) : this.unique(name);
  }
}
