/**
 * @file Declares an op: signature → shape → gradient → body, in one typed record. A missing gradient or body, an unknown
 * attribute and a wrong output name are compile errors. Pure: nothing is registered here (see registry.ts).
 */
import type { Builder, Value } from '@tsflow/xla';
import type { IndexedSlices } from '../graph/indexedSlices.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { NdArray } from '../ndarray.ts';
import type { PartialShape } from '../shape.ts';
import { type AttrDef, type AttrSpecs, type AttrValues, anyType, attrDef } from './attr.ts';
import type {
  GradContext,
  GradValue,
  HostContext,
  LowerContext,
  OpRecord,
  PartialInput,
  ShapeContext,
  StateRef,
} from './record.ts';
import type { SampleInput, SampleSpec } from './sample.ts';
import { type Arg, type Args, parseArg } from './signature.ts';

type Names = readonly string[];

interface Signature<I extends Names, O extends Names, A extends AttrSpecs> {
  /** Arguments in TensorFlow's order and spelling; see signature.ts. */
  readonly inputs: I;
  readonly outputs: O;
  /** In TensorFlow's order. `T` may be left out when it takes any dtype. */
  readonly attrs: A;
  /** Static shapes of outputs from static shapes of inputs; called again with concrete shapes when a run is compiled. */
  readonly shape: (inputs: Args<I, PartialShape>, ctx: ShapeContext<A>) => Args<O, PartialShape>;
  /** Gradients of all inputs from inputs, outputs and gradients of outputs; null = non-differentiable. */
  readonly grad:
    | ((io: Args<I, Tensor> & Args<O, Tensor>, dy: Args<O, Tensor>, ctx: GradContext<A>) => Args<I, GradValue>)
    | null;
  readonly sparseGrad?: (dy: IndexedSlices, ctx: GradContext<A>) => Args<I, GradValue>;
  /** Shape arithmetic: output 0 as a vector with unknown entries (null), so reshape([shape(x)[0], -1]) keeps what it knows. */
  readonly partialValue?: (inputs: Args<I, PartialInput>, ctx: ShapeContext<A>) => PartialShape;
  readonly stateful?: boolean;
  readonly ownsState?: boolean;
  readonly fedOnly?: boolean;
  readonly sample?: Sample<I, A> | readonly Sample<I, A>[];
}

type Sample<I extends Names, A extends AttrSpecs> = Omit<SampleSpec, 'inputs' | 'attrs'> & {
  readonly inputs: Args<I, SampleInput>;
  readonly attrs?: Partial<AttrValues<A>>;
};

type Body<I extends Names, O extends Names, A extends AttrSpecs> =
  /** Builds HLO. */
  | {
      readonly lower: (b: Builder, inputs: Args<I, Value, StateRef>, ctx: LowerContext<A>) => Args<O, Value, StateRef>;
      readonly host?: never;
    }
  /** Computes on host values: strings, files, queues, data-dependent shapes. */
  | {
      readonly host: (
        inputs: Args<I, NdArray, StateRef>,
        ctx: HostContext<A>,
      ) => Args<O, NdArray, StateRef> | Promise<Args<O, NdArray, StateRef>>;
      readonly lower?: never;
    };

export type OpSpec<I extends Names, O extends Names, A extends AttrSpecs> = Signature<I, O, A> & Body<I, O, A>;

/** A record that remembers its signature for `call`; `types` exists for the compiler only. */
export interface Op<I extends Names = Names, O extends Names = Names, A extends AttrSpecs = AttrSpecs>
  extends OpRecord {
  readonly types?: { readonly inputs: I; readonly outputs: O; readonly attrs: A };
}

export function defineOp<const I extends Names, const O extends Names, const A extends AttrSpecs>(
  type: string,
  spec: OpSpec<I, O, A>,
): Op<I, O, A> {
  const inputs = spec.inputs.map(parseArg);
  const outputs = spec.outputs.map(parseArg);
  const samples = spec.sample === undefined ? [] : Array.isArray(spec.sample) ? spec.sample : [spec.sample];
  return {
    type,
    inputs,
    outputs,
    attrs: allAttrs(spec.attrs, [...inputs, ...outputs]),
    shape: erased(spec.shape),
    grad: erased(spec.grad),
    sparseGrad: erased(spec.sparseGrad),
    partialValue: erased(spec.partialValue),
    lower: erased(spec.lower),
    host: erased(spec.host),
    stateful: spec.stateful ?? false,
    ownsState: spec.ownsState ?? false,
    fedOnly: spec.fedOnly ?? false,
    samples: erased(samples),
  };
}

/** Forgets a signature's types; `Op` keeps them for `call`, and nobody else may call a record's functions with typed arguments. */
function erased<F>(f: unknown): F {
  return f as F;
}

/** Declared attributes, and `T` for any dtype where arguments use it undeclared. */
function allAttrs(specs: AttrSpecs, args: readonly Arg[]): Record<string, AttrDef> {
  const attrs: Record<string, AttrDef> = {};
  for (const [name, spec] of Object.entries(specs)) attrs[name] = attrDef(spec);
  for (const { typeAttr } of args) {
    if (typeAttr === 'T' && attrs['T'] === undefined) attrs['T'] = anyType as AttrDef;
    else if (typeAttr !== undefined && attrs[typeAttr] === undefined) {
      throw new TypeError(`internal: argument type ${typeAttr} is not an attribute.`);
    }
  }
  return attrs;
}
