/** @file Variables: reference style (VariableV2, Assign …) and resource style (VarHandleOp …) over one state mechanism. */
import type { Builder, Value } from '@tsflow/xla';
import { real } from '../dtype.ts';
import { NdArray } from '../ndarray.ts';
import { bool, string, type } from '../op/attr.ts';
import { defineOp } from '../op/defineOp.ts';
import { stateOf } from '../op/lowering.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform } from '../op/sample.ts';
import { formatShape, mergeShapes, type PartialShape } from '../shape.ts';

const variableAttrs = { container: string(''), shared_name: string('') };

function scalarBool(value: boolean): NdArray {
  return new NdArray('bool', [], Uint8Array.of(value ? 1 : 0));
}

export const VariableV2 = defineOp('VariableV2', {
  inputs: [],
  outputs: ['ref: Ref(dtype)'],
  attrs: { shape: 'shape', dtype: 'type', ...variableAttrs },
  shape: (_, { attrs }) => ({ ref: attrs.shape }),
  grad: null,
  stateful: true,
  ownsState: true,
  lower: (_b, _x, { op }) => ({ ref: stateOf(op) }),
});

export const VarHandleOp = defineOp('VarHandleOp', {
  inputs: [],
  outputs: ['resource: resource'],
  attrs: { ...variableAttrs, dtype: 'type', shape: 'shape' },
  shape: () => ({ resource: [] }),
  grad: null,
  stateful: true,
  ownsState: true,
  lower: (_b, _x, { op }) => ({ resource: stateOf(op) }),
});

/** The assigned value must have the variable's shape, unless the variable's shape is open. */
function assignedShape(ref: PartialShape, value: PartialShape, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  const merged = mergeShapes(ref, value);
  if (merged !== undefined) return merged;
  return ctx.fail(
    `the value has shape ${formatShape(value)}, the variable ${formatShape(ref)}. Assign a value of the variable's shape, or pass validateShape: false.`,
  );
}

export const Assign = defineOp('Assign', {
  inputs: ['ref: Ref(T)', 'value: T'],
  outputs: ['output_ref: Ref(T)'],
  attrs: { T: 'type', validate_shape: bool(true), use_locking: bool(true) },
  shape: ({ ref, value }, ctx) => ({ output_ref: ctx.attrs.validate_shape ? assignedShape(ref, value, ctx) : value }),
  grad: null,
  lower: (_, { ref, value }, ctx) => {
    ctx.writeState(ref, value);
    return { output_ref: ref };
  },
  sample: { inputs: { ref: uniform([2, 3]), value: uniform([2, 3]) } },
});

type Combine = (b: Builder, old: Value, value: Value) => Value;

/** An op that replaces a variable by a function of it and a value. */
function update(type_: string, body: Combine) {
  return defineOp(type_, {
    inputs: ['ref: Ref(T)', 'value: T'],
    outputs: ['output_ref: Ref(T)'],
    attrs: { T: type(real), use_locking: bool(false) },
    shape: ({ ref, value }, ctx) => ({ output_ref: assignedShape(ref, value, ctx) }),
    grad: null,
    lower: (b, { ref, value }, ctx) => {
      ctx.writeState(ref, body(b, ctx.readState(ref), value));
      return { output_ref: ref };
    },
    sample: { inputs: { ref: uniform([2, 3]), value: uniform([2, 3]) } },
  });
}
export const AssignAdd = update('AssignAdd', (b, old, value) => b.add(old, value));
export const AssignSub = update('AssignSub', (b, old, value) => b.subtract(old, value));

export const IsVariableInitialized = defineOp('IsVariableInitialized', {
  inputs: ['ref: Ref(dtype)'],
  outputs: ['is_initialized: bool'],
  attrs: { dtype: 'type' },
  shape: () => ({ is_initialized: [] }),
  grad: null,
  stateful: true,
  host: ({ ref }, { state }) => ({ is_initialized: scalarBool(state.isInitialized(ref)) }),
});

export const ReadVariableOp = defineOp('ReadVariableOp', {
  inputs: ['resource: resource'],
  outputs: ['value: dtype'],
  attrs: { dtype: 'type' },
  shape: (_, ctx) => ({ value: ctx.stateShape('resource') }),
  grad: (_, dy) => ({ resource: dy.value }),
  sparseGrad: (dy) => ({ resource: dy }),
  stateful: true,
  lower: (_, { resource }, ctx) => ({ value: ctx.readState(resource) }),
});

export const AssignVariableOp = defineOp('AssignVariableOp', {
  inputs: ['resource: resource', 'value: dtype'],
  outputs: [],
  attrs: { dtype: 'type', validate_shape: bool(false) },
  shape: ({ value }, ctx) => {
    assignedShape(ctx.stateShape('resource'), value, ctx);
    return {};
  },
  grad: null,
  stateful: true,
  lower: (_, { resource, value }, ctx) => {
    ctx.writeState(resource, value);
    return {};
  },
});

function resourceUpdate(type_: string, body: Combine) {
  return defineOp(type_, {
    inputs: ['resource: resource', 'value: dtype'],
    outputs: [],
    attrs: { dtype: 'type' },
    shape: ({ value }, ctx) => {
      assignedShape(ctx.stateShape('resource'), value, ctx);
      return {};
    },
    grad: null,
    stateful: true,
    lower: (b, { resource, value }, ctx) => {
      ctx.writeState(resource, body(b, ctx.readState(resource), value));
      return {};
    },
  });
}
export const AssignAddVariableOp = resourceUpdate('AssignAddVariableOp', (b, old, value) => b.add(old, value));
export const AssignSubVariableOp = resourceUpdate('AssignSubVariableOp', (b, old, value) => b.subtract(old, value));

export const VarIsInitializedOp = defineOp('VarIsInitializedOp', {
  inputs: ['resource: resource'],
  outputs: ['is_initialized: bool'],
  attrs: {},
  shape: () => ({ is_initialized: [] }),
  grad: null,
  stateful: true,
  host: ({ resource }, { state }) => ({ is_initialized: scalarBool(state.isInitialized(resource)) }),
});
