/**
 * @file Which function local holds which IR local or pointer. Both live in the block that made them: when it ends their function
 * locals are reused, and a later use is an internal error.
 */
import { internal } from '../../hlo/errors.ts';
import type { Buffer, Local } from '../../kernels/ir.ts';
import type { FunctionWriter } from './functionWriter.ts';
import { valueTypeOf } from './values.ts';

export class Names {
  private readonly w: FunctionWriter;
  private readonly pointers = new Map<number, number>();
  private readonly locals = new Map<number, number>();
  /** What to undo at the end of the open blocks, innermost last. */
  private readonly scopes: (() => void)[][] = [[]];

  constructor(w: FunctionWriter) {
    this.w = w;
  }

  /** Runs `body` in a block of its own. */
  scope(body: () => void): void {
    const undo: (() => void)[] = [];
    this.scopes.push(undo);
    body();
    this.scopes.pop();
    for (const f of undo) f();
  }

  /** Names given from outside: parameters of the function. */
  bindPointer(b: Buffer, index: number): void {
    this.pointers.set(b.id, index);
  }
  bindLocal(local: Local, index: number): void {
    this.locals.set(local.id, index);
  }

  hasPointer(b: Buffer): boolean {
    return this.pointers.has(b.id);
  }
  hasLocal(local: Local): boolean {
    return this.locals.has(local.id);
  }

  pointer(b: Buffer): number {
    const index = this.pointers.get(b.id);
    if (index === undefined) throw internal(`buffer ${b.name} is used outside its block`);
    return index;
  }

  /** The function local of a pointer that is about to be set; made here if it is new. */
  pointerToSet(b: Buffer): number {
    return this.pointers.get(b.id) ?? this.make(this.pointers, b.id, 'i32');
  }

  local(local: Local): number {
    const index = this.locals.get(local.id);
    if (index === undefined) {
      throw internal(`local ${local.name} is read outside its block or before it is set`);
    }
    return index;
  }

  /** The function local of a variable that is about to be set; made here if it is new. */
  localToSet(local: Local): number {
    return this.locals.get(local.id) ?? this.make(this.locals, local.id, valueTypeOf(local.type));
  }

  private make(map: Map<number, number>, id: number, type: ReturnType<typeof valueTypeOf>): number {
    const index = this.w.temp(type);
    map.set(id, index);
    (this.scopes.at(-1) as (() => void)[]).push(() => {
      map.delete(id);
      this.w.release(type, index);
    });
    return index;
  }
}
