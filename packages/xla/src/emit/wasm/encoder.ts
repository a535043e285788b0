/**
 * @file Bytes of a WebAssembly module: LEB128, sections, and a writer of function bodies. It knows the binary format and nothing
 * of kernels. Opcode numbers are in opcodes.ts.
 */
import { internal } from '../../hlo/errors.ts';

/** Value types as the binary format spells them. */
export const valueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type ValueType = keyof typeof valueType;

const scratch = new DataView(new ArrayBuffer(8));
const utf8 = new TextEncoder();

/** A growing byte string. */
export class Bytes {
  private data = new Uint8Array(256);
  length = 0;

  private reserve(n: number): void {
    if (this.length + n <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.data.length * 2, this.length + n));
    grown.set(this.data.subarray(0, this.length));
    this.data = grown;
  }

  u8(value: number): this {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** Unsigned LEB128 of a 32-bit number. */
  u32(value: number): this {
    let v = value >>> 0;
    while (v >= 0x80) {
      this.u8((v & 0x7f) | 0x80);
      v >>>= 7;
    }
    return this.u8(v);
  }

  /** Signed LEB128 of a 32-bit number. */
  s32(value: number): this {
    let v = value | 0;
    for (;;) {
      const low = v & 0x7f;
      v >>= 7;
      if ((v === 0 && !(low & 0x40)) || (v === -1 && low & 0x40)) return this.u8(low);
      this.u8(low | 0x80);
    }
  }

  /** Signed LEB128 of a 64-bit number, given in either signedness. */
  s64(value: bigint): this {
    let v = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(v & 0x7fn);
      v >>= 7n;
      if ((v === 0n && !(low & 0x40)) || (v === -1n && low & 0x40)) return this.u8(low);
      this.u8(low | 0x80);
    }
  }

  f32(value: number): this {
    scratch.setFloat32(0, value, true);
    return this.raw(new Uint8Array(scratch.buffer, 0, 4));
  }

  f64(value: number): this {
    scratch.setFloat64(0, value, true);
    return this.raw(new Uint8Array(scratch.buffer, 0, 8));
  }

  name(text: string): this {
    const bytes = utf8.encode(text);
    return this.u32(bytes.length).raw(bytes);
  }

  /** The bytes written so far; a view that the next write may invalidate. */
  view(): Uint8Array {
    return this.data.subarray(0, this.length);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.data.slice(0, this.length);
  }
}

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A function body: its local variables after the parameters, and its code up to and including `end`. */
export interface FunctionBody {
  readonly locals: readonly ValueType[];
  readonly code: Uint8Array;
}

export interface MemoryImport {
  readonly module: string;
  readonly name: string;
  readonly shared: boolean;
  readonly initialPages: number;
  readonly maximumPages: number;
}

/** Collects the parts of a module; function indices count imports first, so import { internal } from '../../hlo/errors.ts';
import before the first `define`. */
export class ModuleBuilder {
  private readonly types: FunctionType[] = [];
  private readonly typeIndex = new Map<string, number>();
  private readonly imports: { readonly module: string; readonly name: string; readonly type: number }[] = [];
  private readonly functions: { readonly type: number; body: FunctionBody | undefined; readonly name: string }[] = [];
  private readonly exports: { readonly name: string; readonly index: number }[] = [];
  private readonly globals: number[] = [];
  private readonly memory: MemoryImport;

  constructor(memory: MemoryImport) {
    this.memory = memory;
  }

  private type(t: FunctionType): number {
    const key = `${t.params.join()}>${t.results.join()}`;
    const known = this.typeIndex.get(key);
    if (known !== undefined) return known;
    this.typeIndex.set(key, this.types.length);
    return this.types.push(t) - 1;
  }

  importFunction(module: string, name: string, type: FunctionType): number {
    if (this.functions.length) throw internal('function import after a definition');
    return this.imports.push({ module, name, type: this.type(type) }) - 1;
  }

  /** Reserves a function index, so that bodies can call each other before all are written. */
  declare(name: string, type: FunctionType): number {
    return this.imports.length + this.functions.push({ type: this.type(type), body: undefined, name }) - 1;
  }

  define(index: number, body: FunctionBody): void {
    const f = this.functions[index - this.imports.length];
    if (!f || f.body) throw internal(`function ${index} is not declared or defined twice`);
    f.body = body;
  }

  export(name: string, index: number): void {
    this.exports.push({ name, index });
  }

  /** A mutable i32 global; answers its index. */
  global(init: number): number {
    return this.globals.push(init) - 1;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Bytes().raw(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    const section = (id: number, write: (b: Bytes) => void): void => {
      const b = new Bytes();
      write(b);
      out.u8(id).u32(b.length).raw(b.view());
    };
    section(1, (b) => {
      b.u32(this.types.length);
      for (const t of this.types) writeType(b, t);
    });
    section(2, (b) => {
      b.u32(this.imports.length + 1);
      for (const i of this.imports) b.name(i.module).name(i.name).u8(0).u32(i.type);
      const m = this.memory;
      b.name(m.module)
        .name(m.name)
        .u8(2)
        .u8(m.shared ? 3 : 1)
        .u32(m.initialPages)
        .u32(m.maximumPages);
    });
    section(3, (b) => {
      b.u32(this.functions.length);
      for (const f of this.functions) b.u32(f.type);
    });
    if (this.globals.length) {
      section(6, (b) => {
        b.u32(this.globals.length);
        for (const g of this.globals) b.u8(valueType.i32).u8(1).u8(0x41).s32(g).u8(0x0b);
      });
    }
    section(7, (b) => {
      b.u32(this.exports.length);
      for (const e of this.exports) b.name(e.name).u8(0).u32(e.index);
    });
    section(10, (b) => {
      b.u32(this.functions.length);
      for (const f of this.functions) writeBody(b, f.name, f.body);
    });
    section(0, (b) => writeNames(b, this.functions, this.imports.length));
    return out.finish();
  }
}

function writeType(b: Bytes, t: FunctionType): void {
  b.u8(0x60).u32(t.params.length);
  for (const p of t.params) b.u8(valueType[p]);
  b.u32(t.results.length);
  for (const r of t.results) b.u8(valueType[r]);
}

function writeBody(b: Bytes, name: string, body: FunctionBody | undefined): void {
  if (!body) throw internal(`function ${name} has no body`);
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of body.locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  const head = new Bytes().u32(runs.length);
  for (const r of runs) head.u32(r.count).u8(valueType[r.type]);
  b.u32(head.length + body.code.length)
    .raw(head.view())
    .raw(body.code);
}

/** The name section, so that profiles and traps show kernels by name. */
function writeNames(b: Bytes, functions: readonly { readonly name: string }[], first: number): void {
  const names = new Bytes().u32(functions.length);
  for (const [i, f] of functions.entries()) names.u32(first + i).name(f.name);
  b.name('name').u8(1).u32(names.length).raw(names.view());
}
