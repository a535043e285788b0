/**
 * @file Vector constants of loops. Engines make a vector constant anew wherever it stands, by several instructions; held in a local that
 * is set before the loop it costs at most a load. Polynomials run up to three times as fast.
 */
import type { Expr, Stmt } from '../../kernels/ir.ts';
import { type ForLoop, forEachOperand } from './outline.ts';

export type VectorConstant = Extract<Expr, { kind: 'const' }>;

/** Constants with one key are the same value. */
export function constantKey({ type, value }: VectorConstant): string {
  return `${type.scalar}x${type.lanes} ${Object.is(value, -0) ? '-0' : value}`;
}

/** Vector constants inside the loops of a function's body, but for zeros, which are free. `isOutlined`: the loop's body is another function. */
export function loopConstants(
  body: readonly Stmt[],
  isOutlined: (loop: ForLoop) => boolean,
): ReadonlyMap<string, VectorConstant> {
  const found = new Map<string, VectorConstant>();
  const expr = (e: Expr): void => {
    if (e.kind === 'const') {
      const zero = Object.is(e.value, 0) || e.value === 0n;
      if (e.type.lanes > 1 && !zero) found.set(constantKey(e), e);
    } else forEachOperand(e, expr);
  };
  const block = (stmts: readonly Stmt[], inLoop: boolean): void => {
    for (const s of stmts) statement(s, inLoop);
  };
  const statement = (s: Stmt, inLoop: boolean): void => {
    switch (s.kind) {
      case 'set':
        if (inLoop) expr(s.value);
        return;
      case 'store':
        if (inLoop) expr(s.value);
        return;
      case 'for':
        if (!isOutlined(s)) block(s.body, true);
        return;
      case 'while':
        expr(s.condition);
        block(s.body, true);
        return;
      case 'if':
        if (inLoop) expr(s.condition);
        block(s.then, inLoop);
        block(s.otherwise, inLoop);
        return;
      case 'view':
      case 'barrier':
        return;
      default:
        s satisfies never;
    }
  };
  block(body, false);
  return found;
}
