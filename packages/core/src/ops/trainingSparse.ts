/**
 * @file Update rules for sparse gradients: only the rows named by `indices` change. Gradients of repeated indices are added up
 * first, as TensorFlow's optimizers do before they call these ops, so one row is updated once.
 */
import { type Builder, dimsOf, type Value } from '@tsflow/xla';
import { real } from '../dtype.ts';
import { type AttrSpecs, bool, indexTypes, type } from '../op/attr.ts';
import { defineOp } from '../op/defineOp.ts';
import type { LowerContext, ShapeContext, StateRef } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { formatShape, type PartialShape } from '../shape.ts';
import { addRows, replaceRows, rowsAt, sumRepeatedRows } from './sparseRows.ts';
import { adadeltaRule, adagradRule, centeredRmsPropRule, ftrlRule, momentumRule, rmsPropRule } from './training.ts';

const attrs = { T: type(real), Tindices: type(indexTypes), use_locking: bool(false) } as const satisfies AttrSpecs;

type Slots = readonly StateRef[];
type Rule = (rows: readonly Value[], gradient: Value) => readonly Value[];

/** Variable and slots share a shape; gradient rows fit it, one index a row. */
function sparseShape(
  states: readonly PartialShape[],
  { grad, indices }: { readonly grad: PartialShape; readonly indices: PartialShape },
  ctx: Pick<ShapeContext, 'fail'>,
): PartialShape {
  const v = states[0] ?? null;
  const known = (s: PartialShape): s is readonly (number | null)[] => s !== null;
  const rowFits =
    !known(v) ||
    !known(grad) ||
    (grad.length === v.length && grad.slice(1).every((d, i) => d === null || v[i + 1] === null || d === v[i + 1]));
  const countFits =
    !known(grad) ||
    !known(indices) ||
    (indices.length === 1 && (indices[0] === null || grad[0] === null || indices[0] === grad[0]));
  if (!rowFits || !countFits) {
    ctx.fail(
      `gradient ${formatShape(grad)} with indices ${formatShape(indices)} does not fit a variable of ${formatShape(v)}. ` +
        "Give one index a row, and rows of the variable's shape.",
    );
  }
  return v;
}

/** Reads the rows of all states, applies `rule` and writes the rows back. */
function updateRows(
  b: Builder,
  states: Slots,
  sparse: { grad: Value; indices: Value; rule: Rule; ctx: LowerContext },
): void {
  const { ctx } = sparse;
  const old = states.map((s) => ctx.readState(s));
  const count = dimsOf(old[0] as Value)[0] as number;
  const { rows: g, indices } = sumRepeatedRows(b, sparse.grad, sparse.indices, count);
  const next = sparse.rule(
    old.map((s) => rowsAt(b, s, indices)),
    g,
  );
  for (const [i, rows] of next.entries()) {
    ctx.writeState(states[i] as StateRef, replaceRows(b, old[i] as Value, indices, rows));
  }
}

const rows = { grad: uniform([3, 2]), indices: values([2, 0, 2], 'int32') } as const;

export const SparseApplyMomentum = defineOp('SparseApplyMomentum', {
  inputs: ['var: Ref(T)', 'accum: Ref(T)', 'lr: T', 'grad: T', 'indices: Tindices', 'momentum: T'],
  outputs: ['out: Ref(T)'],
  attrs: { ...attrs, use_nesterov: bool(false) },
  shape: ({ var: v, accum, grad, indices }, ctx) => ({ out: sparseShape([v, accum], { grad, indices }, ctx) }),
  grad: null,
  lower: (b, { var: ref, accum, lr, grad, indices, momentum }, ctx) => {
    const rule: Rule = ([v, a], g) =>
      momentumRule(b, [v as Value, a as Value], g, { lr, momentum, nesterov: ctx.attrs.use_nesterov });
    updateRows(b, [ref, accum], { grad, indices, rule, ctx });
    return { out: ref };
  },
  sample: { inputs: { var: uniform([4, 2]), accum: uniform([4, 2]), lr: values(0.1), ...rows, momentum: values(0.9) } },
});

export const SparseApplyAdagrad = defineOp('SparseApplyAdagrad', {
  inputs: ['var: Ref(T)', 'accum: Ref(T)', 'lr: T', 'grad: T', 'indices: Tindices'],
  outputs: ['out: Ref(T)'],
  attrs: { ...attrs, update_slots: bool(true) },
  shape: ({ var: v, accum, grad, indices }, ctx) => ({ out: sparseShape([v, accum], { grad, indices }, ctx) }),
  grad: null,
  lower: (b, { var: ref, accum, lr, grad, indices }, ctx) => {
    const rule: Rule = ([v, a], g) =>
      adagradRule(b, [v as Value, a as Value], g, { lr, updateSlots: ctx.attrs.update_slots });
    updateRows(b, [ref, accum], { grad, indices, rule, ctx });
    return { out: ref };
  },
  sample: { inputs: { var: uniform([4, 2]), accum: uniform([4, 2], 0.1, 1), lr: values(0.1), ...rows } },
});

export const SparseApplyAdadelta = defineOp('SparseApplyAdadelta', {
  inputs: [
    'var: Ref(T)',
    'accum: Ref(T)',
    'accum_update: Ref(T)',
    'lr: T',
    'rho: T',
    'epsilon: T',
    'grad: T',
    'indices: Tindices',
  ],
  outputs: ['out: Ref(T)'],
  attrs,
  shape: ({ var: v, accum, accum_update, grad, indices }, ctx) => ({
    out: sparseShape([v, accum, accum_update], { grad, indices }, ctx),
  }),
  grad: null,
  lower: (b, { var: ref, accum, accum_update, lr, rho, epsilon, grad, indices }, ctx) => {
    const rule: Rule = ([v, a, u], g) => adadeltaRule(b, [v as Value, a as Value, u as Value], g, { lr, rho, epsilon });
    updateRows(b, [ref, accum, accum_update], { grad, indices, rule, ctx });
    return { out: ref };
  },
  sample: {
    inputs: {
      var: uniform([4, 2]),
      accum: uniform([4, 2], 0.1, 1),
      accum_update: uniform([4, 2], 0.1, 1),
      lr: values(0.1),
      rho: values(0.95),
      epsilon: values(1e-6),
      ...rows,
    },
  },
});

export const SparseApplyRMSProp = defineOp('SparseApplyRMSProp', {
  inputs: [
    'var: Ref(T)',
    'ms: Ref(T)',
    'mom: Ref(T)',
    'lr: T',
    'rho: T',
    'momentum: T',
    'epsilon: T',
    'grad: T',
    'indices: Tindices',
  ],
  outputs: ['out: Ref(T)'],
  attrs,
  shape: ({ var: v, ms, mom, grad, indices }, ctx) => ({ out: sparseShape([v, ms, mom], { grad, indices }, ctx) }),
  grad: null,
  lower: (b, { var: ref, ms, mom, lr, rho, momentum, epsilon, grad, indices }, ctx) => {
    const rule: Rule = ([v, s, m], g) =>
      rmsPropRule(b, [v as Value, s as Value, m as Value], g, { lr, rho, momentum, epsilon });
    updateRows(b, [ref, ms, mom], { grad, indices, rule, ctx });
    return { out: ref };
  },
  sample: {
    inputs: {
      var: uniform([4, 2]),
      ms: uniform([4, 2], 0.1, 1),
      mom: uniform([4, 2]),
      lr: values(0.1),
      rho: values(0.9),
      momentum: values(0.5),
      epsilon: values(1e-10),
      ...rows,
    },
  },
});

export const SparseApplyCenteredRMSProp = defineOp('SparseApplyCenteredRMSProp', {
  inputs: [
    'var: Ref(T)',
    'mg: Ref(T)',
    'ms: Ref(T)',
    'mom: Ref(T)',
    'lr: T',
    'rho: T',
    'momentum: T',
    'epsilon: T',
    'grad: T',
    'indices: Tindices',
  ],
  outputs: ['out: Ref(T)'],
  attrs,
  shape: ({ var: v, mg, ms, mom, grad, indices }, ctx) => ({
    out: sparseShape([v, mg, ms, mom], { grad, indices }, ctx),
  }),
  grad: null,
  lower: (b, { var: ref, mg, ms, mom, lr, rho, momentum, epsilon, grad, indices }, ctx) => {
    const rule: Rule = ([v, g1, s, m], g) =>
      centeredRmsPropRule(b, [v as Value, g1 as Value, s as Value, m as Value], g, { lr, rho, momentum, epsilon });
    updateRows(b, [ref, mg, ms, mom], { grad, indices, rule, ctx });
    return { out: ref };
  },
  sample: {
    inputs: {
      var: uniform([4, 2]),
      mg: uniform([4, 2], -0.1, 0.1),
      ms: uniform([4, 2], 0.5, 1),
      mom: uniform([4, 2]),
      lr: values(0.1),
      rho: values(0.9),
      momentum: values(0.5),
      epsilon: values(1e-3),
      ...rows,
    },
  },
});

export const SparseApplyFtrl = defineOp('SparseApplyFtrl', {
  inputs: [
    'var: Ref(T)',
    'accum: Ref(T)',
    'linear: Ref(T)',
    'grad: T',
    'indices: Tindices',
    'lr: T',
    'l1: T',
    'l2: T',
    'lr_power: T',
  ],
  outputs: ['out: Ref(T)'],
  attrs: { ...attrs, multiply_linear_by_lr: bool(false) },
  shape: ({ var: v, accum, linear, grad, indices }, ctx) => ({
    out: sparseShape([v, accum, linear], { grad, indices }, ctx),
  }),
  grad: null,
  lower: (b, { var: ref, accum, linear, grad, indices, lr, l1, l2, lr_power }, ctx) => {
    const options = { lr, l1, l2, lrPower: lr_power, linearByLr: ctx.attrs.multiply_linear_by_lr };
    const rule: Rule = ([v, n, z], g) => ftrlRule(b, [v as Value, n as Value, z as Value], g, options);
    updateRows(b, [ref, accum, linear], { grad, indices, rule, ctx });
    return { out: ref };
  },
  sample: {
    inputs: {
      var: uniform([4, 2]),
      accum: uniform([4, 2], 0.1, 1),
      linear: uniform([4, 2]),
      ...rows,
      lr: values(0.1),
      l1: values(0.2),
      l2: values(0.3),
      lr_power: values(-0.5),
    },
  },
});

export const SparseApplyFtrlV2 = defineOp('SparseApplyFtrlV2', {
  inputs: [
    'var: Ref(T)',
    'accum: Ref(T)',
    'linear: Ref(T)',
    'grad: T',
    'indices: Tindices',
    'lr: T',
    'l1: T',
    'l2: T',
    'l2_shrinkage: T',
    'lr_power: T',
  ],
  outputs: ['out: Ref(T)'],
  attrs: { ...attrs, multiply_linear_by_lr: bool(false) },
  shape: ({ var: v, accum, linear, grad, indices }, ctx) => ({
    out: sparseShape([v, accum, linear], { grad, indices }, ctx),
  }),
  grad: null,
  lower: (b, { var: ref, accum, linear, grad, indices, lr, l1, l2, l2_shrinkage, lr_power }, ctx) => {
    const linearByLr = ctx.attrs.multiply_linear_by_lr;
    const options = { lr, l1, l2, lrPower: lr_power, l2Shrinkage: l2_shrinkage, linearByLr };
    const rule: Rule = ([v, n, z], g) => ftrlRule(b, [v as Value, n as Value, z as Value], g, options);
    updateRows(b, [ref, accum, linear], { grad, indices, rule, ctx });
    return { out: ref };
  },
  sample: {
    inputs: {
      var: uniform([4, 2]),
      accum: uniform([4, 2], 0.1, 1),
      linear: uniform([4, 2]),
      ...rows,
      lr: values(0.1),
      l1: values(0.2),
      l2: values(0.3),
      l2_shrinkage: values(0.1),
      lr_power: values(-0.5),
    },
  },
});

type Combine = (b: Builder, old: Value, sparse: { indices: Value; updates: Value }) => Value;

/** An op that changes rows of a variable: `indices` of any rank n, `updates` [...indices dims, ...row dims]. */
function scatterUpdate(type_: string, useLocking: boolean, combine: Combine) {
  return defineOp(type_, {
    inputs: ['ref: Ref(T)', 'indices: Tindices', 'updates: T'],
    outputs: ['output_ref: Ref(T)'],
    attrs: { T: type(real), Tindices: type(indexTypes), use_locking: bool(useLocking) },
    shape: ({ ref, indices, updates }, ctx) => {
      if (ref !== null && indices !== null && updates !== null) {
        const expected = [...indices, ...ref.slice(1)];
        const fits =
          updates.length === expected.length &&
          updates.every((d, i) => d === null || expected[i] === null || d === expected[i]);
        if (!fits)
          ctx.fail(
            `updates ${formatShape(updates)} must be ${formatShape(expected)}: the shape of indices, then that of a row.`,
          );
      }
      return { output_ref: ref };
    },
    grad: null,
    lower: (b, { ref, indices, updates }, ctx) => {
      ctx.writeState(ref, combine(b, ctx.readState(ref), { indices, updates }));
      return { output_ref: ref };
    },
    sample: { inputs: { ref: uniform([4, 2]), indices: values([2, 0], 'int32'), updates: uniform([2, 2]) } },
  });
}

export const ScatterAdd = scatterUpdate('ScatterAdd', false, (b, old, { indices, updates }) =>
  addRows(b, old, indices, updates),
);
export const ScatterSub = scatterUpdate('ScatterSub', false, (b, old, { indices, updates }) =>
  addRows(b, old, indices, b.negate(updates)),
);
export const ScatterUpdate = scatterUpdate('ScatterUpdate', true, (b, old, { indices, updates }) =>
  replaceRows(b, old, indices, updates),
);
