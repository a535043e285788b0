/** @file Writes one function body: instructions, structured blocks, and local variables that are reused by type once released. */
import { Bytes, type FunctionBody, type ValueType } from './encoder.ts';
import { type Op, op } from './opcodes.ts';

export class FunctionWriter {
  private readonly code = new Bytes();
  private readonly params: number;
  private readonly locals: ValueType[] = [];
  private readonly free: { readonly [T in ValueType]: number[] } = { i32: [], i64: [], f32: [], f64: [], v128: [] };

  /** @param params number of parameters; they are locals 0 … params − 1. */
  constructor(params: number) {
    this.params = params;
  }

  op(name: Op): this {
    const code = op[name];
    if (code < 0x100) this.code.u8(code);
    else this.code.u8(code >> 16).u32(code & 0xffff);
    return this;
  }

  /** An instruction with one unsigned immediate: local.get, call, br … */
  with(name: Op, immediate: number): this {
    this.op(name).code.u32(immediate);
    return this;
  }

  /** An instruction with a one-byte lane immediate. */
  lane(name: Op, lane: number): this {
    this.op(name).code.u8(lane);
    return this;
  }

  /** A load or store. `align` is log2 of the bytes promised; memory is unaligned unless it is atomic. */
  memory(name: Op, offset: number, align = 0): this {
    this.op(name).code.u32(align).u32(offset);
    return this;
  }

  memoryLane(name: Op, offset: number, lane: number): this {
    this.memory(name, offset).code.u8(lane);
    return this;
  }

  i32(value: number): this {
    this.op('i32Const').code.s32(value);
    return this;
  }
  i64(value: bigint): this {
    this.op('i64Const').code.s64(value);
    return this;
  }
  f32(value: number): this {
    this.op('f32Const').code.f32(value);
    return this;
  }
  f64(value: number): this {
    this.op('f64Const').code.f64(value);
    return this;
  }
  v128(bytes: Uint8Array): this {
    this.op('v128Const').code.raw(bytes);
    return this;
  }
  shuffle(lanes: readonly number[]): this {
    this.op('i8x16Shuffle').code.raw(Uint8Array.from(lanes));
    return this;
  }

  get(local: number): this {
    return this.with('localGet', local);
  }
  set(local: number): this {
    return this.with('localSet', local);
  }
  tee(local: number): this {
    return this.with('localTee', local);
  }

  /** Opens a block, loop or if without results. */
  open(name: 'block' | 'loop' | 'if'): this {
    this.op(name).code.u8(0x40);
    return this;
  }
  /** `br_table` over `targets`, then the default. */
  table(targets: readonly number[], otherwise: number): this {
    this.op('brTable').code.u32(targets.length);
    for (const t of targets) this.code.u32(t);
    this.code.u32(otherwise);
    return this;
  }

  /** A local of this type whose content is undefined; give it back with `release`. */
  temp(type: ValueType): number {
    const reused = this.free[type].pop();
    return reused ?? this.params + this.locals.push(type) - 1;
  }

  release(type: ValueType, ...locals: readonly number[]): void {
    this.free[type].push(...locals);
  }

  finish(): FunctionBody {
    this.op('end');
    return { locals: this.locals, code: this.code.finish() };
  }
}
