/**
 * @file Makes nodes. `call(record, inputs, { attrs, name })` converts values to constants of the right dtype, infers and checks
 * attributes, runs the shape function, and adds the node to the graph of its inputs (the default graph when it has none).
 * Errors are InvalidArgument with op type, node name and shapes; their stack starts at the user's line.
 */

import type { DType } from '../dtype.ts';
import { InvalidArgumentError, TensorFlowError } from '../errors.ts';
import { type Graph, getDefaultGraph } from '../graph/graph.ts';
import type { Operation } from '../graph/operation.ts';
import { isConvertible, Tensor, type TensorLike } from '../graph/tensor.ts';
import type { PartialShape } from '../shape.ts';
import type { AttrSpecs, AttrValues } from './attr.ts';
import { type AttrMap, type BoundArg, completeAttrs, type Fail, inferFromInputs, outputDtypes } from './bindAttrs.ts';
import { captureSite, trimStack } from './callSite.ts';
import { constantTensor, dtypeForConstant } from './constant.ts';
import { shapeContext } from './constantValue.ts';
import type { Op } from './defineOp.ts';
import { outputsByName } from './nodeArgs.ts';
import { packRecord } from './pack.ts';
import type { Named, OpRecord } from './record.ts';
import { type Arg, type Args, isList } from './signature.ts';

export interface CallOptions<A extends AttrSpecs = AttrSpecs> {
  /** Attributes that are not inferred from inputs; those with defaults may be left out. */
  readonly attrs?: Partial<AttrValues<A>>;
  /** Wanted node name. Default: the op type. */
  readonly name?: string | undefined;
}

type Names = readonly string[];

/** Makes a node and answers its outputs by name: `call(Tanh, { x }).y`. */
export function call<I extends Names, O extends Names, A extends AttrSpecs>(
  op: Op<I, O, A>,
  inputs: Args<I, TensorLike>,
  options: CallOptions<A> = {},
): Args<O, Tensor> {
  const node = callOp(op, inputs, options);
  return outputsByName(node) as Args<O, Tensor>;
}

/** Makes a node and answers the operation: for ops without outputs, and to read attributes. */
export function callOp<I extends Names, O extends Names, A extends AttrSpecs>(
  op: Op<I, O, A>,
  inputs: Args<I, TensorLike>,
  options: CallOptions<A> = {},
): Operation {
  return addNode(op, inputs as Readonly<Record<string, TensorLike>>, {
    attrs: (options.attrs ?? {}) as AttrMap,
    name: options.name,
  });
}

interface NodeRequest {
  readonly attrs: AttrMap;
  readonly name: string | undefined;
}

function addNode(record: OpRecord, inputs: Readonly<Record<string, TensorLike>>, request: NodeRequest): Operation {
  const graph = graphOf(record, inputs);
  const fail = failFor(graph, record, request.name);
  try {
    if (graph === getDefaultGraph()) return build(graph, record, inputs, request, fail);
    return graph.asDefault(() => build(graph, record, inputs, request, fail));
  } catch (error) {
    if (error instanceof TensorFlowError) trimStack(error);
    throw error;
  }
}

/** Raises InvalidArgument for a node that has no name yet: the name it would get. */
function failFor(graph: Graph, record: OpRecord, name: string | undefined): Fail {
  return (text) => {
    const wanted = name ?? record.type;
    const nodeName = wanted.endsWith('/') ? wanted.slice(0, -1) : graph.uniqueName(wanted, false);
    throw new InvalidArgumentError(text, { opType: record.type, nodeName });
  };
}

function graphOf(record: OpRecord, inputs: Readonly<Record<string, TensorLike>>): Graph {
  let found: Tensor | undefined;
  const visit = (x: unknown): void => {
    if (Array.isArray(x)) {
      for (const y of x) if (typeof y === 'object') visit(y);
      return;
    }
    const t = x instanceof Tensor ? x : isConvertible(x) ? x.toTensor() : undefined;
    if (t === undefined) return;
    if (found !== undefined && found.graph !== t.graph) {
      throw new InvalidArgumentError(
        `inputs "${found.name}" and "${t.name}" belong to different graphs. Build them in one graph.`,
        {
          opType: record.type,
        },
      );
    }
    found = t;
  };
  for (const { name } of record.inputs) visit(inputs[name]);
  return found?.graph ?? getDefaultGraph();
}

function build(
  graph: Graph,
  record: OpRecord,
  inputs: Readonly<Record<string, TensorLike>>,
  request: NodeRequest,
  fail: Fail,
): Operation {
  const attrs: AttrMap = { ...request.attrs };
  for (const [name, value] of Object.entries(attrs)) if (value === undefined) delete attrs[name];
  const bound = bindInputs(record, inputs, attrs, request.name ?? record.type, fail);
  return makeNode(graph, record, bound, completeAttrs(record, attrs, fail), { name: request.name, fail });
}

/** Adds a node whose inputs are tensors and whose attributes are complete: the common end of `call` and import. */
export function makeNode(
  graph: Graph,
  record: OpRecord,
  bound: readonly BoundArg[],
  attrs: AttrMap,
  options: { name?: string | undefined; fail: Fail; controlInputs?: readonly Operation[]; device?: string },
): Operation {
  const types = outputDtypes(record, attrs);
  const shapes = inferShapes(record, bound, attrs, options.fail);
  const outputs = types.map(({ arg, dtype }, i) => ({ dtype, isRef: arg.isRef, shape: shapes[i] as PartialShape }));
  return graph.createOperation({
    record,
    name: options.name,
    inputs: bound.flatMap(({ tensors }) => tensors),
    attrs,
    outputs,
    site: captureSite(),
    ...(options.controlInputs === undefined ? {} : { controlInputs: options.controlInputs }),
    ...(options.device === undefined ? {} : { device: options.device }),
  });
}

function inferShapes(record: OpRecord, bound: readonly BoundArg[], attrs: AttrMap, fail: Fail): PartialShape[] {
  const shapes: Record<string, PartialShape | readonly PartialShape[]> = {};
  for (const { arg, tensors } of bound) {
    const own = tensors.map((t) => t.shape);
    shapes[arg.name] = isList(arg) ? own : (own[0] as PartialShape);
  }
  return flattenShapes(record, record.shape(shapes as Named<PartialShape>, shapeContext(bound, attrs, fail)));
}

/** Shapes are lists themselves, so the argument says which is a list of shapes. */
function flattenShapes(record: OpRecord, named: Named<PartialShape>): PartialShape[] {
  return record.outputs.flatMap((arg) => {
    const shape = named[arg.name];
    return isList(arg) ? (shape as readonly PartialShape[]) : [shape as PartialShape];
  });
}

/** Tensors first: they bind type attributes, which constants then follow. */
function bindInputs(
  record: OpRecord,
  inputs: Readonly<Record<string, TensorLike>>,
  attrs: AttrMap,
  nodeName: string,
  fail: Fail,
): BoundArg[] {
  const lists = record.inputs.map((arg) => {
    const given = inputs[arg.name];
    if (given === undefined || given === null)
      fail(`input ${arg.name} is missing. Give a tensor, a variable or a value.`);
    if (isList(arg) && !Array.isArray(given)) fail(`input ${arg.name} is a list of tensors, but one value was given.`);
    return { arg, given: (isList(arg) ? given : [given]) as readonly TensorLike[] };
  });
  const ready = lists.map(({ arg, given }) => ({ arg, given: given.map((x) => asTensor(x, arg)) }));
  for (const { arg, given } of ready) {
    const tensors = given.filter((x) => x instanceof Tensor);
    if (!arg.typeList) inferFromInputs([{ arg: { ...arg, numberAttr: undefined }, tensors }], attrs, fail);
  }
  const bound = ready.map(({ arg, given }) => ({
    arg,
    tensors: given.map((x, i) => toTensor(x, arg, { attrs, record, nodeName: argName(nodeName, arg, i) }, fail)),
  }));
  inferFromInputs(bound, attrs, fail);
  return bound;
}

/** Name of the constant made for an input: `<node>/<argument>`. */
function argName(nodeName: string, arg: Arg, i: number): string {
  const base = `${nodeName.replace(/\/$/, '')}/${arg.name}`;
  return isList(arg) ? `${base}_${i}` : base;
}

/** A variable answers its reference where one is asked for, else its value. */
function asTensor(x: TensorLike, arg: Arg): TensorLike {
  if (x instanceof Tensor) return x;
  if (!isConvertible(x)) return x;
  if ((arg.isRef || arg.dtype === 'resource') && 'refTensor' in x && x.refTensor instanceof Tensor) return x.refTensor;
  return x.toTensor();
}

interface ConversionSite {
  readonly attrs: AttrMap;
  readonly record: OpRecord;
  readonly nodeName: string;
}

function toTensor(x: TensorLike, arg: Arg, site: ConversionSite, fail: Fail): Tensor {
  if (x instanceof Tensor) return x;
  if (arg.isRef || arg.dtype === 'resource') fail(`input ${arg.name} must be a variable, but a value was given.`);
  if (Array.isArray(x) && holdsTensor(x)) return packMixed(x, site.nodeName);
  const dtype = dtypeForConstant(x, arg, site.attrs, site.record);
  try {
    return constantTensor(x, dtype, site.nodeName);
  } catch (error) {
    if (error instanceof InvalidArgumentError) fail(`input ${arg.name}: ${error.message}`);
    throw error;
  }
}

function holdsTensor(x: readonly unknown[]): boolean {
  return x.some((y) => y instanceof Tensor || isConvertible(y) || (Array.isArray(y) && holdsTensor(y)));
}

/** `[tensor, 1, 2]` becomes one tensor by Pack, as TensorFlow packs lists. */
function packMixed(x: readonly TensorLike[], name: string): Tensor {
  const parts = x.map((y) => (Array.isArray(y) && holdsTensor(y) ? packMixed(y, name) : y));
  return call(packRecord, { values: parts }, { name }).output;
}

/**
 * Any tensor-like value as a tensor. Numbers become float32 unless `dtype` says otherwise.
 * @throws InvalidArgument when a tensor has another dtype than asked.
 */
export function convertToTensor(x: TensorLike, options: { dtype?: DType; name?: string } = {}): Tensor {
  const t = x instanceof Tensor ? x : isConvertible(x) ? x.toTensor() : undefined;
  if (t === undefined) {
    if (Array.isArray(x) && holdsTensor(x)) return packMixed(x, options.name ?? 'packed');
    return constantTensor(x, options.dtype, options.name ?? 'Const');
  }
  if (options.dtype !== undefined && t.dtype !== options.dtype) {
    throw new InvalidArgumentError(
      `"${t.name}" is ${t.dtype}, but ${options.dtype} is needed. Convert it with cast(x, '${options.dtype}').`,
      { opType: t.op.type, nodeName: t.op.name },
    );
  }
  return t;
}
