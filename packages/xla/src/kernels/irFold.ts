/** @file Folding of index arithmetic while loop IR is written: constants, neutral elements, and sums of constants. */
import type { Expr, IrBinary } from './ir.ts';

const s32Ops: Partial<Record<IrBinary, (a: number, b: number) => number>> = {
  add: (a, b) => (a + b) | 0,
  subtract: (a, b) => (a - b) | 0,
  multiply: (a, b) => Math.imul(a, b),
  divide: (a, b) => (a / b) | 0,
  remainder: (a, b) => (a % b) | 0,
  minimum: Math.min,
  maximum: Math.max,
};

/** The simpler equal of `a op b` for s32 scalars, or undefined. */
export function foldBinary(op: IrBinary, a: Expr, b: Expr): Expr | undefined {
  if (a.type.scalar !== 's32' || a.type.lanes !== 1) return undefined;
  const f = s32Ops[op];
  const ca = a.kind === 'const' ? Number(a.value) : undefined;
  const cb = b.kind === 'const' ? Number(b.value) : undefined;
  const constant = (value: number): Expr => ({ kind: 'const', type: a.type, value });
  const byZero = (op === 'divide' || op === 'remainder') && cb === 0;
  if (f && ca !== undefined && cb !== undefined && !byZero) return constant(f(ca, cb));
  switch (op) {
    case 'add':
      if (ca === 0) return b; // 0 + x → x
      if (cb === 0) return a; // x + 0 → x
      // (x + c1) + c2 → x + (c1 + c2): the emitter turns one constant into an address offset
      if (cb !== undefined && a.kind === 'binary' && a.op === 'add' && a.b.kind === 'const') {
        return { ...a, b: constant((Number(a.b.value) + cb) | 0) };
      }
      if (ca !== undefined) return foldBinary('add', b, a) ?? { kind: 'binary', type: a.type, op, a: b, b: a }; // c + x → x + c
      return undefined;
    case 'subtract':
      return cb === 0 ? a : undefined; // x − 0 → x
    case 'multiply':
      if (ca === 1) return b; // 1·x → x
      if (cb === 1) return a; // x·1 → x
      return ca === 0 || cb === 0 ? constant(0) : undefined; // x·0 → 0
    case 'divide':
      return cb === 1 ? a : undefined; // x/1 → x
    case 'remainder':
      return cb === 1 ? constant(0) : undefined; // x mod 1 → 0
    default:
      return undefined;
  }
}
