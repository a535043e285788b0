/** @file Public API of the core: what `tf.*` offers, under TensorFlow 1.x's names in camelCase. */

// Values and types
export {
  type DType,
  dtypeFromNumber,
  dtypeNumber,
  type ValueDType,
} from './dtype.ts';
export * from './errors.ts';
export { type GradientsOptions, gradients } from './gradients.ts';
export { GraphKeys } from './graph/collections.ts';
export {
  addToCollection,
  controlDependencies,
  type DeviceSetter,
  device,
  Graph,
  getCollection,
  getDefaultGraph,
  nameScope,
  resetDefaultGraph,
} from './graph/graph.ts';
export { IndexedSlices } from './graph/indexedSlices.ts';
export { Operation } from './graph/operation.ts';
export { getSeed, setRandomSeed } from './graph/seed.ts';
export { type Feeds, getDefaultSession } from './graph/sessionStack.ts';
export { Tensor, type TensorConvertible, type TensorLike } from './graph/tensor.ts';
export { type ImportOptions, importGraphDef } from './importGraph.ts';
export {
  type ArrayOptions,
  bytesOf,
  NdArray,
  type NdArrayLike,
  type NdData,
  type NestedArray,
  type TfString,
  textOf,
  toNdArray,
} from './ndarray.ts';
export * as nn from './nn.ts';
export { convertToTensor } from './op/call.ts';
// Ops
export { argMax, argMin } from './ops/argReduce.ts';
export {
  cast,
  constant,
  group,
  identity,
  noOp,
  placeholder,
  range,
  rank,
  reshape,
  shape,
  stack,
  unstack,
  zerosLike,
} from './ops/array.ts';
export { broadcastToShape as broadcastTo } from './ops/broadcast.ts';
export { add, addN, divide, exp, log, multiply, negative, sigmoid, sqrt, square, subtract, tanh } from './ops/math.ts';
export { matMul } from './ops/matmul.ts';
export { type NormalOptions, type RandomOptions, randomNormal, randomUniform, truncatedNormal } from './ops/random.ts';
export { type ReduceOptions, reduceSum } from './ops/reduce.ts';
export { registry } from './ops/registry.ts';
// Sessions
export { disposeDevices } from './session/device.ts';
export type { Fetches, FetchResult } from './session/fetches.ts';
export {
  type Callable,
  InteractiveSession,
  type RunOptions,
  Session,
  type SessionConfig,
  type SessionOptions,
} from './session/session.ts';
export type { Dimension, Dims, PartialShape } from './shape.ts';
export * as summary from './summary.ts';
export { ndArrayOf as makeNdarray, tensorProtoOf as makeTensorProto } from './tensorProto.ts';
export * as train from './train.ts';

// Variables
export {
  assign,
  assignAdd,
  assignSub,
  globalVariables,
  globalVariablesInitializer,
  isVariableInitialized,
  localVariables,
  localVariablesInitializer,
  trainableVariables,
  variablesInitializer,
} from './variables/collections.ts';
export * from './variables/initializers.ts';
export { type InitialValue, Variable, type VariableOptions, variable } from './variables/variable.ts';
export {
  type GetVariableOptions,
  getVariable,
  getVariableScope,
  type Regularizer,
  type Reuse,
  VariableScope,
  type VariableScopeOptions,
  variableScope,
} from './variables/variableScope.ts';
