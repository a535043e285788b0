/** @file Identity of indices: two grid indices with the same key stand at the same elements, so a value found once is found again. */
import type { Expr } from '../ir.ts';
import type { GridIndex } from './gridIndex.ts';

/** Values by instruction, lanes and index. */
export type Memo = Map<string, Expr>;

const unique = new WeakMap<Expr, number>();
let next = 0;

/** Structural identity of index arithmetic; anything else is itself only. Locals stand for their value in the current iteration. */
function exprKey(e: Expr): string {
  switch (e.kind) {
    case 'const':
      return String(e.value);
    case 'local':
      return `v${e.local.id}`;
    case 'thread':
      return e.what;
    case 'binary':
      return `(${exprKey(e.a)} ${e.op} ${exprKey(e.b)})`;
    default: {
      let id = unique.get(e);
      if (id === undefined) {
        id = next++;
        unique.set(e, id);
      }
      return `#${id}`;
    }
  }
}

export function indexKey(index: GridIndex): string {
  return index.groups.map((g) => `,${g.rank}:${exprKey(g.at)}${g.step === 0 ? '' : `+${g.step}`}`).join('');
}

/** The same index arithmetic. */
export function sameExpr(a: Expr, b: Expr): boolean {
  return a === b || exprKey(a) === exprKey(b);
}
