/** @file Reads the text that `print.ts` writes. Every value goes through the builder, so what parses is well formed. */
import { HloBuilder } from './builder.ts';
import type { Value } from './builderApi.ts';
import { XlaError } from './errors.ts';
import type { Literal } from './literal.ts';
import { zeroLiteral } from './literals.ts';
import type { Computation, InputOutputAlias, Metadata, Module } from './module.ts';
import type { OpAttrs, Opcode } from './opcodes.ts';
import { type Shape, sameShape, shapeText } from './shape.ts';
import { type TextContext, text } from './textCodecs.ts';
import { parseElement } from './textNumbers.ts';
import { type TextNode, TextReader } from './textReader.ts';
import { codecsOf, followsFromShape, isOpcode } from './textSchema.ts';

/** The module that `source` spells. Throws InvalidArgument with line and column. */
export function parseModule(source: string): Module {
  return new ModuleParser(source).module();
}

interface Line {
  readonly opcode: Opcode;
  readonly operands: readonly Value[];
  readonly shape: Shape;
  readonly fields: ReadonlyMap<string, TextNode>;
  /** What `parameter` and `constant` hold between the parentheses. */
  readonly inside: { readonly index?: number; readonly literal?: Literal };
  readonly at: number;
}

class ModuleParser implements TextContext {
  readonly #reader: TextReader;
  readonly #computations = new Map<string, Computation>();

  constructor(source: string) {
    this.#reader = new TextReader(source);
  }

  fail(message: string, at: number): Error {
    return this.#reader.fail(message, at);
  }

  computation(name: string, at: number): Computation {
    const found = this.#computations.get(name);
    if (found !== undefined) return found;
    const known = [...this.#computations.keys()].join(', ') || 'none';
    throw this.fail(`computation '${name}' is not defined above. Defined: ${known}.`, at);
  }

  module(): Module {
    const r = this.#reader;
    this.#keyword('module');
    const b = new HloBuilder(this.#name('a module name'));
    const aliases = r.take(',') ? this.#aliases() : [];
    for (;;) {
      const at = r.at;
      const name = this.#name('a computation, or entry,');
      const isEntry = name === 'entry' && !r.take('{');
      if (isEntry) return this.#entry(b, aliases);
      if (name !== 'entry') r.expect('{');
      if (this.#computations.has(name)) throw this.fail(`computation '${name}' is defined twice.`, at);
      const inner = b.subBuilder(name);
      const root = this.#body(inner);
      this.#computations.set(
        name,
        this.#checked(at, () => inner.finish(root)),
      );
    }
  }

  #entry(b: HloBuilder, aliases: readonly InputOutputAlias[]): Module {
    const r = this.#reader;
    const at = r.at;
    this.#name('the name of the entry');
    r.expect('{');
    const root = this.#body(b);
    if (root.opcode !== 'tuple') throw this.fail(`the entry's root is ${root.opcode}, a tuple is needed.`, at);
    if (!r.ended) throw r.fail('the entry is the last computation, but text follows.');
    return this.#checked(at, () => b.build(root.operands, aliases));
  }

  #keyword(word: string): void {
    const at = this.#reader.at;
    const found = this.#reader.word(`'${word}'`);
    if (found !== word) throw this.fail(`'${word}' is expected, '${found}' is found.`, at);
  }

  #name(what: string): string {
    const node = this.#reader.value();
    if (node.kind === 'word' || node.kind === 'string') return node.text;
    throw this.fail(`${what} is expected.`, node.at);
  }

  #aliases(): InputOutputAlias[] {
    const r = this.#reader;
    this.#keyword('aliases');
    r.expect('=');
    return r.list('{', '}', () => {
      const output = Number(r.number('a result'));
      r.expect(':');
      return { output, parameter: Number(r.number('a parameter')) };
    });
  }

  /** Instructions up to the closing brace → the root. */
  #body(b: HloBuilder): Value {
    const r = this.#reader;
    const values = new Map<string, Value>();
    let root: Value | undefined;
    while (!r.take('}')) {
      const at = r.at;
      const isRoot = !r.take('%');
      if (isRoot) {
        this.#keyword('root');
        r.expect('%');
      }
      const name = r.number('the number of a value');
      if (values.has(name)) throw this.fail(`%${name} is defined twice.`, at);
      r.expect('=');
      const value = this.#instruction(b, values);
      values.set(name, value);
      if (isRoot && root !== undefined) throw this.fail('the computation has two roots.', at);
      if (isRoot) root = value;
    }
    if (root === undefined) throw r.fail('the computation above has no root.');
    return root;
  }

  #instruction(b: HloBuilder, values: ReadonlyMap<string, Value>): Value {
    const r = this.#reader;
    const at = r.at;
    const shape = r.shape();
    const opcodeAt = r.at;
    const opcode = r.word('an opcode');
    if (!isOpcode(opcode)) throw this.fail(`'${opcode}' is not an opcode.`, opcodeAt);
    const inside = opcode === 'parameter' || opcode === 'constant' ? this.#inside(opcode, shape) : {};
    const operands = Object.keys(inside).length > 0 ? [] : this.#operands(values);
    const { fields, metadata } = this.#fields();
    const line: Line = { opcode, operands, shape, fields, inside, at };
    const attrs = this.#attrs(line);
    const value = this.#checked(at, () =>
      b.withMetadata(metadata, () => b.make<Opcode>(opcode, operands, attrs, shape)),
    );
    if (!sameShape(value.shape, shape)) {
      throw this.fail(
        `${opcode} is written with shape ${shapeText(shape)}, its operands make it ${shapeText(value.shape)}.`,
        at,
      );
    }
    return value;
  }

  #operands(values: ReadonlyMap<string, Value>): Value[] {
    const r = this.#reader;
    return r.list('(', ')', () => {
      const at = r.at;
      r.expect('%');
      const name = r.number('the number of a value');
      const value = values.get(name);
      if (value === undefined) throw this.fail(`%${name} is not defined above.`, at);
      return value;
    });
  }

  #inside(opcode: 'parameter' | 'constant', shape: Shape): Line['inside'] {
    const r = this.#reader;
    r.expect('(');
    const inside =
      opcode === 'parameter' ? { index: Number(r.number('a parameter index')) } : { literal: this.#literal(shape) };
    r.expect(')');
    return inside;
  }

  #literal(shape: Shape): Literal {
    const r = this.#reader;
    if (shape.kind === 'tuple') throw r.fail('a constant is an array.');
    if (r.take('...'))
      throw r.fail('the literal was left out when this text was printed. Print without maxLiteralElements.');
    const literal = zeroLiteral(shape);
    const { dtype } = shape;
    const element = (): number | bigint => {
      const at = r.at;
      const written = dtype === 'pred' ? r.word('true or false') : r.number('a number');
      const value = this.#checked(at, () => parseElement(written, dtype));
      if (value === undefined) throw this.fail(`'${written}' is not a value of ${dtype}.`, at);
      return value;
    };
    const at = r.at;
    const values = shape.dims.length === 0 ? [element()] : r.list('[', ']', element);
    if (values.length !== literal.data.length) {
      throw this.fail(`${shapeText(shape)} has ${literal.data.length} elements, ${values.length} are written.`, at);
    }
    values.forEach((v, i) => {
      literal.data[i] = v;
    });
    return literal;
  }

  #fields(): { readonly fields: Map<string, TextNode>; readonly metadata: Metadata } {
    const r = this.#reader;
    const fields = new Map<string, TextNode>();
    while (r.take(',')) {
      const key = r.word('an attribute');
      r.expect('=');
      fields.set(key, r.value());
    }
    const written = fields.get('metadata');
    fields.delete('metadata');
    const metadata: { opName?: string; opType?: string } = {};
    if (written?.kind === 'record') {
      for (const key of ['opName', 'opType'] as const) {
        const node = written.fields.get(key);
        if (node !== undefined) metadata[key] = text.parse(node, this);
      }
    }
    return { fields, metadata };
  }

  #attrs({ opcode, shape, fields, inside, at }: Line): OpAttrs[Opcode] {
    const codecs = codecsOf(opcode);
    const attrs: Record<string, unknown> = { ...inside };
    for (const [key, codec] of Object.entries(codecs)) {
      const node = fields.get(key);
      if (followsFromShape[opcode] === key) attrs[key] = fromShape(key, shape);
      else if (node === undefined) throw this.fail(`${opcode} lacks its attribute '${key}'.`, at);
      else attrs[key] = codec.parse(node, this);
    }
    for (const [key, node] of fields) {
      const known = Object.keys(codecs).filter((k) => k !== followsFromShape[opcode]);
      if (!known.includes(key))
        throw this.fail(`${opcode} has no attribute '${key}'; it has ${known.join(', ') || 'none'}.`, node.at);
    }
    return attrs as OpAttrs[Opcode];
  }

  /** Errors of the builder get the place of the text. */
  #checked<T>(at: number, run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof XlaError && !error.message.startsWith('HLO text')) throw this.fail(error.message, at);
      throw error;
    }
  }
}

function fromShape(key: string, shape: Shape): unknown {
  if (key === 'shape' || shape.kind === 'tuple') return shape;
  return key === 'to' ? shape.dtype : shape.dims;
}
