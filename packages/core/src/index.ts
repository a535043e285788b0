/** @file Public API of the core: what `tf.*` offers, under TensorFlow 1.x's names in camelCase. */

import './ops/operators.ts';

export * as bitwise from './bitwise.ts';
// Values and types
export { type Clippable, clipByAverageNorm, clipByGlobalNorm, clipByNorm, clipByValue, globalNorm } from './clip.ts';
export { type DType, dtypeFromNumber, dtypeNumber, type ValueDType } from './dtype.ts';
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
export * as linalg from './linalg.ts';
export { einsum, eye, type NormOptions, norm, tensordot, trace } from './linalg.ts';
export * as losses from './losses.ts';
export * as math from './math.ts';
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
export { type ArgOptions, argMax, argMin } from './ops/argReduce.ts';
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
export { batchGather, meshgrid, repeat, requiredSpaceToBatchPaddings, sequenceMask } from './ops/arrayCompose.ts';
export { bincount, histogramFixedWidth, searchsorted } from './ops/arrayCount.ts';
export {
  type DiagOptions,
  diag,
  diagPart,
  matrixBandPart,
  matrixDiag,
  matrixDiagPart,
  matrixSetDiag,
} from './ops/arrayDiag.ts';
export {
  gather,
  gatherNd,
  scatterNd,
  tensorScatterAdd,
  tensorScatterSub,
  tensorScatterUpdate,
} from './ops/arrayIndex.ts';
export { concat, split, tile } from './ops/arrayJoin.ts';
export { type FillOptions, fill, linspace, oneHot, ones, zeros } from './ops/arrayMake.ts';
export { type PadOptions, pad, roll } from './ops/arrayPad.ts';
export {
  segmentMax,
  segmentMean,
  segmentMin,
  segmentProd,
  segmentSum,
  unsortedSegmentMax,
  unsortedSegmentMean,
  unsortedSegmentMin,
  unsortedSegmentProd,
  unsortedSegmentSqrtN,
  unsortedSegmentSum,
} from './ops/arraySegment.ts';
export { booleanMask, where, whereV2 } from './ops/arraySelect.ts';
export {
  dynamicPartition,
  dynamicStitch,
  setdiff1d,
  type UniqueOptions,
  unique,
  uniqueWithCounts,
} from './ops/arraySet.ts';
export {
  ensureShape,
  expandDims,
  identityN,
  invertPermutation,
  matrixTranspose,
  onesLike,
  preventGradient,
  reverse,
  reverseSequence,
  shapeN,
  size,
  squeeze,
  stopGradient,
  transpose,
} from './ops/arrayShape.ts';
export { getItem, type SliceItem, type StridedSliceOptions, slice, stridedSlice } from './ops/arraySlice.ts';
export {
  batchToSpace,
  batchToSpaceNd,
  type DepthOptions,
  depthToSpace,
  spaceToBatch,
  spaceToBatchNd,
  spaceToDepth,
} from './ops/arraySpace.ts';
export {
  type SparseSegments,
  sparseSegmentMean,
  sparseSegmentSqrtN,
  sparseSegmentSum,
  sparseToDense,
} from './ops/arraySparse.ts';
export { broadcastToShape as broadcastTo } from './ops/broadcast.ts';
export {
  approximateEqual,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
} from './ops/compare.ts';
export { type CumulativeOptions, cumprod, cumsum } from './ops/cumulative.ts';
export {
  add,
  addN,
  divide as realDiv,
  exp,
  log,
  multiply,
  negative,
  sigmoid,
  sqrt,
  square,
  subtract,
  tanh,
} from './ops/math.ts';
export {
  accumulateN,
  atan2,
  cross,
  div,
  divNoNan,
  floorDiv,
  floorDiv as floordiv,
  floorMod,
  floorMod as floormod,
  floorMod as mod,
  maximum,
  minimum,
  pow,
  scalarMul,
  squaredDifference,
  truediv,
  truediv as divide,
  truncateDiv,
  truncateDiv as truncatediv,
  truncateMod,
  truncateMod as truncatemod,
} from './ops/mathBinary.ts';
export { digamma, erf, erfc, lgamma, polygamma, zeta } from './ops/mathSpecial.ts';
export {
  abs,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  ceil,
  cos,
  cosh,
  expm1,
  floor,
  isFinite,
  isInf,
  isNan,
  log1p,
  logSigmoid,
  reciprocal,
  rint,
  round,
  rsqrt,
  sign,
  sin,
  sinh,
  tan,
} from './ops/mathUnary.ts';
export { matMul } from './ops/matmul.ts';
export {
  multinomial,
  type NormalOptions,
  type RandomOptions,
  randomNormal,
  randomShuffle,
  randomUniform,
  truncatedNormal,
} from './ops/random.ts';
export {
  countNonzero,
  type ReduceOptions,
  reduceAll,
  reduceAny,
  reduceLogsumexp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
} from './ops/reduce.ts';
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
  movingAverageVariables,
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
