/** @file call(f, x…) → the body of f on x…; conditionals with a constant selector → the branch. Afterwards no `call` is left. */
import type { Value } from '../hlo/builderApi.ts';
import { dtypeOf } from '../hlo/graph.ts';
import type { Computation } from '../hlo/module.ts';
import { inlineComputation } from '../hlo/rewrite.ts';
import { splatOf } from './match.ts';
import { rulesPass } from './rules.ts';
import type { Pass } from './runner.ts';

export const inlineCalls: Pass = rulesPass('inline-calls', {
  call: [(x, b) => inlineComputation(b, x.attrs.computation, x.operands)],
  conditional: [
    (x, b) => {
      const [selector, ...operands] = x.operands as readonly [Value, ...Value[]];
      const value = splatOf(selector);
      if (value === undefined) return undefined;
      const { branches } = x.attrs;
      const last = branches.length - 1;
      const index = dtypeOf(selector) === 'pred' ? (value ? 0 : 1) : Number(value);
      const chosen = index < 0 || index > last ? last : index;
      return inlineComputation(b, branches[chosen] as Computation, [operands[chosen] as Value]);
    },
  ],
});
